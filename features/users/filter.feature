@user-service @gateway
Feature: Filters

  Rule: USR-14 A filter is terms that all hold
    filter is empty or terms joined by ` AND `: `status=S` (S is ACTIVE, INACTIVE or SUSPENDED),
    `email=VALUE`, `name=VALUE`; a field may come twice, all terms hold. VALUE is one or more
    characters without U+0020, `"` or backslash, or text in double quotes with `\"` and `\\`, in
    which ` AND ` is text. Email as in USR-7, name exact. Anything else: INVALID_ARGUMENT
    `filter is invalid`. (Other white space in a bare VALUE, and a quoted S, are free.)

    Scenario: A term with a status finds the users of that status
      Given a user "Ada" with
        | field | value |
        | name  | {id}  |
      And a user "Grace" with
        | field  | value    |
        | name   | {id}     |
        | status | INACTIVE |
      And a user "Edith" with
        | field  | value     |
        | name   | {id}      |
        | status | SUSPENDED |
      When users are listed with each of these filters
        | text                           | finds             |
        | name={id}                      | Ada, Grace, Edith |
        | status=ACTIVE AND name={id}    | Ada               |
        | name={id} AND status=ACTIVE    | Ada               |
        | status=INACTIVE AND name={id}  | Grace             |
        | name={id} AND status=SUSPENDED | Edith             |
      Then every filter finds exactly the users of its row

    Scenario: A filter of a status alone finds every user of that status
      Given a deployment of its own
      And 5 users named "Grace"
      And 4 users named "Edith", 4 of them SUSPENDED
      And a user "Ada" with
        | field  | value    |
        | status | INACTIVE |
      When users are listed with each of these filters
        | text             | finds |
        | status=ACTIVE    | Grace |
        | status=INACTIVE  | Ada   |
        | status=SUSPENDED | Edith |
      Then every filter finds exactly the users of its row

    Scenario: An empty filter finds every user
      Given a deployment of its own
      And 5 users named "Grace"
      And 4 users named "Edith", 4 of them SUSPENDED
      When users are listed with each of these filters
        | text | finds        |
        |      | Grace, Edith |
      Then every filter finds exactly the users of its row

    Scenario: A term with an email disregards ASCII case
      Given a user "Ada"
      When users are listed with each of these filters
        | text                                | finds  |
        | email={Ada's email}                 | Ada    |
        | email={Ada's email in upper case}   | Ada    |
        | email={Ada's email in mixed case}   | Ada    |
        | email="{Ada's email}"               | Ada    |
        | email="{Ada's email in upper case}" | Ada    |
        | email=x{Ada's email}                | (none) |
        | email={Ada's email}x                | (none) |
        | email={id}                          | (none) |
        | email={Ada's name}                  | (none) |
        | name={Ada's email}                  | (none) |
      Then every filter finds exactly the users of its row

    Scenario: A term with an email regards everything but ASCII case
      Given a user "Ada" with
        | field | value                      |
        | email | {id}k{U+00C9}i@{U+00DF}.de |
      When users are listed with each of these filters
        | text                                    | finds  |
        | email={id}k{U+00C9}i@{U+00DF}.de        | Ada    |
        | email={id}K{U+00C9}I@{U+00DF}.DE        | Ada    |
        | email={id}k{U+00E9}i@{U+00DF}.de        | (none) |
        | email={id}kE{U+0301}i@{U+00DF}.de       | (none) |
        | email={id}{U+212A}{U+00C9}i@{U+00DF}.de | (none) |
        | email={id}k{U+00C9}{U+0131}@{U+00DF}.de | (none) |
        | email={id}k{U+00C9}{U+0130}@{U+00DF}.de | (none) |
        | email={id}k{U+00C9}i@ss.de              | (none) |
        | email={id}k{U+00C9}i@{U+1E9E}.de        | (none) |
      Then every filter finds exactly the users of its row

    Scenario: A term with a name finds exactly that name
      Given a user "Ada" with
        | field | value          |
        | name  | Z{U+00C9}o{id} |
      And a user "Grace" with
        | field | value                          |
        | name  | {U+0020}Z{U+00C9}o{id}{U+0020} |
      When users are listed with each of these filters
        | text                                  | finds  |
        | name=Z{U+00C9}o{id}                   | Ada    |
        | name="Z{U+00C9}o{id}"                 | Ada    |
        | name="{U+0020}Z{U+00C9}o{id}{U+0020}" | Grace  |
        | name="{U+0020}Z{U+00C9}o{id}"         | (none) |
        | name="Z{U+00C9}o{id}{U+0020}"         | (none) |
        | name=z{U+00C9}o{id}                   | (none) |
        | name=Z{U+00C9}O{id}                   | (none) |
        | name=Z{U+00E9}o{id}                   | (none) |
        | name=ZE{U+0301}o{id}                  | (none) |
        | name=ZEo{id}                          | (none) |
        | name=Z{U+00C9}o                       | (none) |
        | name=o{id}                            | (none) |
      Then every filter finds exactly the users of its row

    Scenario: All terms of a filter hold, however often a field comes
      Given a user "Ada"
      And a user "Grace"
      When users are listed with each of these filters
        | text                                                        | finds  |
        | name={Ada's name} AND email={Ada's email}                   | Ada    |
        | email={Ada's email} AND status=ACTIVE AND name={Ada's name} | Ada    |
        | name={Ada's name} AND name={Ada's name}                     | Ada    |
        | email={Ada's email} AND email={Ada's email in upper case}   | Ada    |
        | name={Ada's name} AND status=ACTIVE AND status=ACTIVE       | Ada    |
        | name={Ada's name} AND name={Grace's name}                   | (none) |
        | name={Grace's name} AND name={Ada's name}                   | (none) |
        | name={Ada's name} AND email={Grace's email}                 | (none) |
        | email={Grace's email} AND name={Ada's name}                 | (none) |
        | email={Ada's email} AND email={Grace's email}               | (none) |
        | name={Ada's name} AND status=SUSPENDED                      | (none) |
        | status=SUSPENDED AND status=ACTIVE AND name={Ada's name}    | (none) |
        | status=ACTIVE AND status=SUSPENDED AND name={Ada's name}    | (none) |
      Then every filter finds exactly the users of its row

    Scenario Outline: An unquoted value may hold <name>
      Given a user "Ada" with
        | field | value  |
        | name  | <name> |
      When users are listed with each of these filters
        | text                                  | finds  |
        | name=<name> AND email={Ada's email}   | Ada    |
        | email={Ada's email} AND name=<name>   | Ada    |
        | email={Ada's email} AND name=<name>x  | (none) |
        | email={Ada's email} AND name="<name>" | Ada    |
      Then every filter finds exactly the users of its row

      Examples:
        | name              |
        | x                 |
        | ={id}=            |
        | name=x            |
        | AND               |
        | aANDb             |
        | 'single'          |
        | (a,b;c)           |
        | *                 |
        | {U+00E9}{U+1F600} |
        | {U+200B}{U+FEFF}  |
        | {256 x U+1F600}   |

    Scenario Outline: A value in quotes may hold <what>
      Given a user "Ada" with
        | field | value  |
        | name  | <name> |
      When users are listed with each of these filters
        | text                                      | finds  |
        | name="<quoted>" AND email={Ada's email}   | Ada    |
        | email="{Ada's email}" AND name="<quoted>" | Ada    |
        | email={Ada's email} AND name="<quoted>x"  | (none) |
        | email={Ada's email} AND name="x<quoted>"  | (none) |
      Then every filter finds exactly the users of its row

      Examples:
        | what                   | name                      | quoted                    |
        | spaces                 | Ada King                  | Ada King                  |
        | AND as text            | Ada AND status=SUSPENDED  | Ada AND status=SUSPENDED  |
        | AND at its ends        | {U+0020}AND y AND{U+0020} | {U+0020}AND y AND{U+0020} |
        | an escaped quote       | "Ada"                     | \\"Ada\\"                 |
        | a quote and AND        | x" AND name="y            | x\\" AND name=\\"y        |
        | an escaped backslash   | C:\\Ada                   | C:\\\\Ada                 |
        | a backslash at its end | Ada\\                     | Ada\\\\                   |
        | both escapes           | \\"                       | \\\\\\"                   |
        | a backslash before n   | \\n                       | \\\\n                     |
        | other white space      | a{U+3000}b{U+2028}c       | a{U+3000}b{U+2028}c       |

    Scenario: A quoted email may hold quotes and backslashes too
      Given a user "Ada" with
        | field | value         |
        | email | {id}"\\Ada"@b |
      When users are listed with each of these filters
        | text                        | finds  |
        | email="{id}\\"\\\\Ada\\"@b" | Ada    |
        | email="{id}\\"\\\\ADA\\"@B" | Ada    |
        | email="{id}\\"Ada\\"@b"     | (none) |
      Then every filter finds exactly the users of its row

    Scenario: Any other filter is refused
      When users are listed with each of these filters
        | text                                 |
        | {id}                                 |
        | {U+0020}                             |
        | name                                 |
        | name=                                |
        | =Ada                                 |
        | =                                    |
        | email=                               |
        | status=                              |
        | status=UNSPECIFIED                   |
        | status=DELETED                       |
        | status=active                        |
        | status=Active                        |
        | status=USER_STATUS_ACTIVE            |
        | status=1                             |
        | status=ACTIVE,INACTIVE               |
        | status=ACTIVEX                       |
        | id={id}                              |
        | password={id}                        |
        | created_at=2024-01-01T00:00:00Z      |
        | metadata.title=countess              |
        | NAME=Ada                             |
        | Status=ACTIVE                        |
        | name!=Ada                            |
        | name>Ada                             |
        | name>=Ada                            |
        | name:Ada                             |
        | name LIKE Ada                        |
        | name = Ada                           |
        | name= Ada                            |
        | name =Ada                            |
        | {U+0020}name=Ada                     |
        | name=Ada{U+0020}                     |
        | name=Ada King                        |
        | name='Ada King'                      |
        | (name=Ada)                           |
        | NOT name=Ada                         |
        | name=Ada and name=Ada                |
        | name=Ada And name=Ada                |
        | name=Ada OR name=Ada                 |
        | name=Ada && name=Ada                 |
        | name=Ada, name=Ada                   |
        | name=Ada name=Ada                    |
        | name=Ada AND                         |
        | name=Ada AND{U+0020}                 |
        | AND name=Ada                         |
        | {U+0020}AND name=Ada                 |
        | AND                                  |
        | {U+0020}AND{U+0020}                  |
        | name=Ada AND Ada                     |
        | name=Ada AND AND name=Ada            |
        | name=Ada{U+0020}{U+0020}AND name=Ada |
        | name=Ada AND{U+0020}{U+0020}name=Ada |
        | name=Ada AND status=active           |
        | status=active AND name=Ada           |
        | name=Ada AND id={id}                 |
        | name=A"da                            |
        | name=Ada"                            |
        | name=Ad\\a                           |
        | name=Ad\\"a                          |
        | name="Ada                            |
        | name="                               |
        | name="Ada\\"                         |
        | name="Ad"a"                          |
        | name="Ada"x                          |
        | name="Ada" x                         |
        | name="Ada"{U+0020}                   |
        | name="Ada""King"                     |
        | name="Ada"AND name="Ada"             |
        | name="Ad\\a"                         |
        | name="Ad\\na"                        |
        | name="Ad\\u0061"                     |
        | name={U+201C}Ada King{U+201D}        |
      Then every call fails with INVALID_ARGUMENT and message "filter is invalid"

    @property
    Scenario: Any filter finds what the model finds
      Given a deployment of its own
      And a second instance
      Then any filter is answered as the model answers it
