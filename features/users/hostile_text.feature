@user-service
Feature: Hostile text

  Text that means something to some database, template, shell or parser.

  Rule: USR-17 Text from a client is data
    Text from a client is data: SQL, LIKE patterns, JSON or template syntax in any field, filter or
    token changes nothing else and never gives INTERNAL.

    @gateway
    Scenario Outline: Hostile text in a <field> is kept as it is
      Given a user "Ada"
      When each of these <field>s is given to a new user
        | text                               |
        | '; DROP TABLE users; --            |
        | x'); DELETE FROM users; --         |
        | 1' OR '1'='1                       |
        | " OR ""="                          |
        | \\'; SELECT pg_sleep(9); --        |
        | $$; DROP SCHEMA public CASCADE; $$ |
        | $1 $2 :name ?0 @p1                 |
        | E'\\\\x00' \\u0000 \\x00 %00       |
        | %%%%____\\\\%                      |
        | {"$ne": null, "a": [1]}            |
        | {{7*7}}${7*7}#{7*7}                |
        | ${jndi:ldap://127.0.0.1/a}         |
        | %s%s%n%d {0} {} %(a)s              |
        | &lt;b&gt; &#0; `id`                |
        | $(touch /tmp/x); \|cat;&           |
        | ../../../../etc/passwd             |
        | undefined NULL true                |
      Then every call succeeds
      And every user comes back as given
      And "Ada" is still there, unchanged

      Examples:
        | field          |
        | name           |
        | metadata key   |
        | metadata value |
        | password       |

    @gateway
    Scenario: Hostile text in an email is kept as it is
      Given a user "Ada"
      When each of these emails is given to a new user
        | text                              |
        | {id}';DROP/**/TABLE/**/users;--@b |
        | {id}'/**/OR/**/'1'='1@b           |
        | {id}"\\"@b                        |
        | {id}\\'@b                         |
        | {id}$1:name?@b                    |
        | {id}{{7*7}}${7*7}@b               |
        | {id}{"$ne":null}@b                |
        | {id}%s%n{0}@b                     |
        | {id}\\u0000\\x00%00@b             |
        | {id}<script>alert(1)</script>@b   |
      Then every call succeeds
      And every user comes back as given
      And "Ada" is still there, unchanged

    @gateway
    Scenario: Emails are compared as text, not as patterns
      Given a user "Ada" with
        | field | value         |
        | email | {id}abc.def@b |
      When each of these emails is given to a new user
        | text              |
        | {id}%@b           |
        | {id}a%@b          |
        | {id}a_c.def@b     |
        | {id}abc_def@b     |
        | {id}abc.de_@b     |
        | {id}abc\\.def@b   |
        | {id}abc\\\\.def@b |
        | {id}[a-c]bc.def@b |
        | {id}.*@b          |
        | {id}^abc.def$@b   |
      Then every call succeeds
      And every user comes back as given
      And "Ada" is still there, unchanged

    @gateway
    Scenario: Values of a filter are compared as text, not as patterns
      Given a user "Ada" with
        | field | value     |
        | name  | {id}a_b%c |
      And a user "Grace" with
        | field | value        |
        | name  | {id}axbyc    |
        | email | {id}axb.yc@b |
      When users are listed with each of these filters
        | text                     | finds  |
        | name={id}a_b%c           | Ada    |
        | name={id}axbyc           | Grace  |
        | name={id}%               | (none) |
        | name=%{id}axbyc%         | (none) |
        | name={id}a_byc           | (none) |
        | name={id}.*              | (none) |
        | name={id}*               | (none) |
        | name={id}axby?           | (none) |
        | name="{id}a\\\\_b\\\\%c" | (none) |
        | email={id}axb_yc@b       | (none) |
        | email={id}%              | (none) |
        | email=%{id}axb.yc%       | (none) |
        | email={id}axb.*          | (none) |
        | email={id}axb.yc@b       | Grace  |
      Then every filter finds exactly the users of its row

    @gateway
    Scenario: Hostile text in the values of a filter finds no user
      Given a user "Ada"
      When users are listed with each of these filters
        | text                                        | finds  |
        | name={id}'                                  | (none) |
        | name={id}''                                 | (none) |
        | name={id}'--                                | (none) |
        | name="{id}' OR '1'='1"                      | (none) |
        | name="{id}\\" OR \\"\\"=\\""                | (none) |
        | name="{id}'; DELETE FROM users; --"         | (none) |
        | name="{id}\\\\'; DELETE FROM users; --"     | (none) |
        | email="{Ada's email}' OR email LIKE '%"     | (none) |
        | email={Ada's email}'/**/OR/**/1=1--         | (none) |
        | email="{id}' UNION SELECT * FROM users; --" | (none) |
        | name={id}$1                                 | (none) |
        | name={id}{{7*7}}                            | (none) |
        | name={id}${jndi:ldap://127.0.0.1/a}         | (none) |
        | name={id}%s%n                               | (none) |
        | name=a{U+0000}{id}                          | (none) |
        | email={id}{U+0000}@b                        | (none) |
        | name="{id}{U+0000}"                         | (none) |
        | name={id}{U+FFFF}{U+10FFFF}                 | (none) |
        | name={id}{2000 x a}                         | (none) |
      Then every filter finds exactly the users of its row

    @gateway
    Scenario: Hostile text is no filter
      Given a user "Ada"
      When users are listed with each of these filters
        | text                             |
        | '; DROP TABLE users; --          |
        | 1=1                              |
        | status=ACTIVE' OR '1'='1         |
        | status=ACTIVE; DELETE FROM users |
        | status='ACTIVE'                  |
        | name=Ada OR 1=1                  |
        | name=Ada; DELETE FROM users; --  |
        | {"$where": "1"}                  |
        | {{7*7}}                          |
        | {U+0000}                         |
        | status=ACTIVE{U+0000}            |
        | {1000 x (}                       |
      Then every call fails with INVALID_ARGUMENT and message "filter is invalid"
      And "Ada" is still there, unchanged

    @gateway
    Scenario: Hostile text is no order_by
      Given a user "Ada"
      When users are listed with each of these order_bys
        | text                                   |
        | name; DROP TABLE users; --             |
        | name desc; DELETE FROM users           |
        | (SELECT 1)                             |
        | name, (SELECT pg_sleep(9))             |
        | CASE WHEN 1=1 THEN name ELSE email END |
        | name--                                 |
        | name' desc                             |
        | name" desc                             |
        | {{7*7}}                                |
        | {U+0000}                               |
        | {1000 x a}                             |
      Then every call fails with INVALID_ARGUMENT and message "order_by is invalid"
      And "Ada" is still there, unchanged

    Scenario: A value of a filter that is far too long finds no user
      Given a user "Ada"
      When users are listed with each of these filters
        | text                  | finds  |
        | name={id}{100000 x a} | (none) |
      Then every filter finds exactly the users of its row

    Scenario Outline: A <field> that is far too long is refused
      Given a user "Ada"
      When users are listed with each of these <field>s
        | text         |
        | {100000 x (} |
        | {100000 x a} |
      Then every call fails with INVALID_ARGUMENT and message "<field> is invalid"
      And "Ada" is still there, unchanged

      Examples:
        | field    |
        | filter   |
        | order_by |

    @gateway
    Scenario: Hostile text is no page_token
      Given a user "Ada"
      When the users named "Ada" are listed with each of these page_tokens
        | text                                 |
        | '; DROP TABLE users; --              |
        | JzsgRFJPUCBUQUJMRSB1c2VyczsgLS0=     |
        | eyIkbmUiOm51bGx9                     |
        | {"id":"' OR '1'='1"}                 |
        | {{7*7}}                              |
        | ../../etc/passwd                     |
        | {U+0000}{U+0000}                     |
        | gASVCgAAAAAAAACMBHRlc3SULg==         |
        | rO0ABXNyABFqYXZhLnV0aWwuSGFzaFNldA== |
      Then every call fails with INVALID_ARGUMENT and message "page_token is invalid"
      And "Ada" is still there, unchanged

    Scenario Outline: Hostile text in the id of <method> names no user
      Given a user "Ada"
      When <method> is called with each of these ids
        | text                    |
        | '; DROP TABLE users; -- |
        | {Ada's id}' OR '1'='1   |
        | {Ada's id}'; --         |
        | %                       |
        | {Ada's id}{U+0000}      |
        | {Ada's id}%             |
        | {"$ne": null}           |
        | {{7*7}}                 |
        | $1                      |
      Then every call fails with NOT_FOUND
      And "Ada" is still there, unchanged

      Examples:
        | method     |
        | GetUser    |
        | UpdateUser |
        | DeleteUser |

    @property
    Scenario: Any text in any field is kept or refused, and never an internal error
      Given a user "Ada"
      Then any text in any field of any call is kept or refused as the clauses say
      And "Ada" is still there, unchanged
