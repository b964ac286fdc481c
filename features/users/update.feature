@user-service
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

    Scenario Outline: A status can change from <before> to <after>
      Given a user "Ada" with
        | field  | value    |
        | status | <before> |
      When "Ada" is updated with
        | field  | value   |
        | status | <after> |
      Then the call succeeds
      And the user comes back as given

      Examples:
        | before    | after    |
        | ACTIVE    | INACTIVE |
        | INACTIVE  | ACTIVE   |
        | SUSPENDED | ACTIVE   |

    Scenario Outline: An update to status number <number> is refused
      Given a user "Ada"
      When "Ada" is updated with
        | field  | value    |
        | status | <number> |
      Then the call fails with INVALID_ARGUMENT and message "status is invalid"
      And "Ada" is still there, unchanged

      Examples:
        | number     |
        | 0          |
        | 4          |
        | -1         |
        | 257        |
        | 2147483647 |

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

    Scenario Outline: An update may give <what>
      Given a user "Ada"
      When <what> is given to "Ada"
      Then the call succeeds
      And the user comes back as given

      Examples:
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

    Scenario Outline: An update that gives <what> is refused: <message>
      Given a user "Ada"
      When <what> is given to "Ada"
      Then the call fails with INVALID_ARGUMENT and message "<message>"
      And "Ada" is still there, unchanged

      Examples: What is required
        | what                                | message           |
        | the email ``                        | email is required |
        | the name ``                         | name is required  |
        | the name `{U+0020}{U+0020}`         | name is required  |
        | the name `{U+3000}{U+00A0}{U+205F}` | name is required  |

      Examples: Emails
        | what                                                      | message          |
        | an email of 255 bytes                                     | email is invalid |
        | an email of 255 bytes in letters of 2 bytes               | email is invalid |
        | an email with 65 bytes before the @                       | email is invalid |
        | an email with 65 bytes before the @ in letters of 2 bytes | email is invalid |
        | the email `{id}.example.com`                              | email is invalid |
        | the email `{id}@b@example.com`                            | email is invalid |
        | the email `@{id}`                                         | email is invalid |
        | the email `{id}@`                                         | email is invalid |
        | the email `{U+0020}{id}@example.com`                      | email is invalid |
        | the email `{id}{U+3000}@example.com`                      | email is invalid |
        | the email `{id}{U+0000}@example.com`                      | email is invalid |
        | the email `{id}@example.com{U+0085}`                      | email is invalid |

      Examples: Names
        | what                                     | message         |
        | a name of 257 characters                 | name is invalid |
        | a name of 257 characters of 4 bytes each | name is invalid |
        | the name `Ada{U+0000}`                   | name is invalid |
        | the name `Ada{U+000A}`                   | name is invalid |
        | the name `Ada{U+007F}Lovelace`           | name is invalid |
        | the name `Ada{U+009F}Lovelace`           | name is invalid |

      Examples: Metadata
        | what                                     | message             |
        | metadata of 65 entries                   | metadata is invalid |
        | metadata with a key of 0 characters      | metadata is invalid |
        | metadata with a key of 65 characters     | metadata is invalid |
        | metadata with a value of 1025 characters | metadata is invalid |
        | metadata of 16385 bytes in all           | metadata is invalid |
        | the metadata key `shoe{U+0000}size`      | metadata is invalid |
        | the metadata key `shoe{U+0085}size`      | metadata is invalid |
        | the metadata value `4{U+0000}2`          | metadata is invalid |
        | the metadata value `42{U+000A}`          | metadata is invalid |
