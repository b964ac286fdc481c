@user-service @gateway
Feature: Updating a user

  Rule: USR-9 An update changes the fields present and no other
    UpdateUser changes only the fields present. A present field obeys USR-2 to USR-5. Status
    UNSPECIFIED or unknown gives INVALID_ARGUMENT `status is invalid`. Non-empty metadata replaces
    all metadata; empty leaves it.

    Scenario Outline: An update with nothing but <field> leaves the other fields
      Given a user "Ada" with
        | field          | value    |
        | status         | INACTIVE |
        | metadata.title | countess |
        | metadata.born  | 1815     |
      And a user "Grace"
      When "Ada" is updated with
        | field   | value   |
        | <field> | <value> |
      Then the call succeeds
      And the user comes back as given
      And "Grace" is still there, unchanged

      Examples:
        | field          | value                |
        | email          | new.{id}@Example.ORG |
        | name           | Augusta {id}         |
        | status         | SUSPENDED            |
        | metadata.title | enchantress          |

    Scenario: Several fields change together
      Given a user "Ada"
      When "Ada" is updated with
        | field            | value                |
        | email            | new.{id}@Example.ORG |
        | name             | Augusta {id}         |
        | status           | SUSPENDED            |
        | metadata.machine | analytical           |
      Then the call succeeds
      And the user comes back as given

    Scenario: An update without any field leaves every field
      Given a user "Ada" with
        | field          | value    |
        | status         | INACTIVE |
        | metadata.title | countess |
      When "Ada" is updated with no field
      Then the call succeeds
      And the user comes back as given

    Scenario: A status can change to each of the three and back
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                   |
        | the status `INACTIVE`  |
        | the status `ACTIVE`    |
        | the status `SUSPENDED` |
        | the status `INACTIVE`  |
        | the status `SUSPENDED` |
        | the status `ACTIVE`    |
      Then every call succeeds
      And every user comes back as given

    Scenario: An update to status UNSPECIFIED is refused
      Given a user "Ada"
      When the status `0` is given to "Ada"
      Then the call fails with INVALID_ARGUMENT and message "status is invalid"
      And "Ada" is still there, unchanged

    Scenario: An update to an unknown status is refused
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                     |
        | the status `4`           |
        | the status `-1`          |
        | the status `257`         |
        | the status `2147483647`  |
        | the status `-2147483648` |
      Then every call fails with INVALID_ARGUMENT and message "status is invalid"
      And "Ada" is still there, unchanged

    Scenario: Non-empty metadata replaces all metadata
      Given a user "Ada" with
        | field          | value    |
        | metadata.title | countess |
        | metadata.born  | 1815     |
      When "Ada" is updated with
        | field          | value  |
        | metadata.born  | 10 Dec |
        | metadata.place | London |
      Then the call succeeds
      And the answered user has the metadata
        | key   | value  |
        | born  | 10 Dec |
        | place | London |
      And the user comes back as given

    Scenario: Empty metadata leaves all metadata
      Given a user "Ada" with
        | field          | value    |
        | metadata.title | countess |
        | metadata.born  | 1815     |
      When "Ada" is updated with
        | field  | value        |
        | name   | Augusta {id} |
        | status | SUSPENDED    |
      Then the call succeeds
      And the answered user has the metadata
        | key   | value    |
        | title | countess |
        | born  | 1815     |

    Scenario: A present field is accepted up to the same limits as in a create
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                                                      |
        | an email of 254 bytes in letters of 2 bytes               |
        | an email with 64 bytes before the @                       |
        | the email `{id}{U+200B}{U+FF20}x@b`                       |
        | a name of 256 characters of 4 bytes each                  |
        | the name `{U+200B}`                                       |
        | the name `{U+0020}Ada{U+3000}{U+2028}Zoe{U+0308}{U+0020}` |
        | metadata of 64 entries                                    |
        | metadata with a key of 64 characters of 4 bytes each      |
        | metadata with a value of 1024 characters of 4 bytes each  |
        | metadata with a value of 0 characters                     |
        | metadata of 16384 bytes in all                            |
      Then every call succeeds
      And every user comes back as given

    Scenario: A present email is required not to be empty
      Given a user "Ada"
      When the email `` is given to "Ada"
      Then the call fails with INVALID_ARGUMENT and message "email is required"
      And "Ada" is still there, unchanged

    Scenario: A present name is required not to be empty or white space
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                                |
        | the name ``                         |
        | the name `{U+0020}{U+0020}`         |
        | the name `{U+3000}{U+00A0}{U+205F}` |
      Then every call fails with INVALID_ARGUMENT and message "name is required"
      And "Ada" is still there, unchanged

    Scenario: A present email obeys the rules of emails
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                                                      |
        | an email of 255 bytes                                     |
        | an email of 255 bytes in letters of 2 bytes               |
        | an email with 65 bytes before the @                       |
        | an email with 65 bytes before the @ in letters of 2 bytes |
        | the email `{id}.example.com`                              |
        | the email `{id}@b@example.com`                            |
        | the email `@{id}`                                         |
        | the email `{id}@`                                         |
        | the email `{U+0020}{id}@example.com`                      |
        | the email `{id}{U+3000}@example.com`                      |
        | the email `{id}{U+0000}@example.com`                      |
        | the email `{id}@example.com{U+0085}`                      |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And "Ada" is still there, unchanged

    Scenario: A present name obeys the rules of names
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                                     |
        | a name of 257 characters                 |
        | a name of 257 characters of 4 bytes each |
        | the name `Ada{U+0000}`                   |
        | the name `Ada{U+000A}`                   |
        | the name `Ada{U+001F}Lovelace`           |
        | the name `Ada{U+007F}Lovelace`           |
        | the name `Ada{U+0085}Lovelace`           |
        | the name `Ada{U+009F}Lovelace`           |
      Then every call fails with INVALID_ARGUMENT and message "name is invalid"
      And "Ada" is still there, unchanged

    Scenario: Present metadata obeys the rules of metadata
      Given a user "Ada"
      When each of these is given to "Ada"
        | what                                     |
        | metadata of 65 entries                   |
        | metadata with a key of 0 characters      |
        | metadata with a key of 65 characters     |
        | metadata with a value of 1025 characters |
        | metadata of 16385 bytes in all           |
        | the metadata key `shoe{U+0000}size`      |
        | the metadata key `shoe{U+0085}size`      |
        | the metadata value `4{U+0000}2`          |
        | the metadata value `42{U+000A}`          |
      Then every call fails with INVALID_ARGUMENT and message "metadata is invalid"
      And "Ada" is still there, unchanged
