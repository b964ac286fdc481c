@user-service @gateway
Feature: Metadata

  Rule: USR-5 Metadata is bounded in entries, characters and bytes
    Metadata holds at most 64 entries, keys of 1 to 64 characters, values of at most 1,024
    characters, keys and values together at most 16 KiB of UTF-8, no control characters; otherwise
    INVALID_ARGUMENT `metadata is invalid`. (So a page of 100 users stays under gRPC's usual 4 MiB.)

    Scenario: Metadata of up to 64 entries is accepted
      When each of these is given to a new user
        | what                   |
        | metadata of 1 entry    |
        | metadata of 64 entries |
      Then every call succeeds
      And every user comes back as given

    Scenario: Metadata of more than 64 entries is refused
      When each of these is given to a new user
        | what                     |
        | metadata of 65 entries   |
        | metadata of 1000 entries |
      Then every call fails with INVALID_ARGUMENT and message "metadata is invalid"
      And no user was created

    Scenario: A metadata key of 1 to 64 characters is accepted
      When each of these is given to a new user
        | what                                                 |
        | metadata with a key of 1 character                   |
        | metadata with a key of 64 characters                 |
        | metadata with a key of 1 character of 4 bytes each   |
        | metadata with a key of 64 characters of 4 bytes each |
      Then every call succeeds
      And every user comes back as given

    Scenario: A metadata key of 0 or more than 64 characters is refused
      When each of these is given to a new user
        | what                                                 |
        | metadata with a key of 0 characters                  |
        | metadata with a key of 65 characters                 |
        | metadata with a key of 65 characters of 4 bytes each |
      Then every call fails with INVALID_ARGUMENT and message "metadata is invalid"
      And no user was created

    Scenario: A metadata value of up to 1,024 characters is accepted
      When each of these is given to a new user
        | what                                                     |
        | metadata with a value of 0 characters                    |
        | metadata with a value of 1024 characters                 |
        | metadata with a value of 1024 characters of 4 bytes each |
      Then every call succeeds
      And every user comes back as given

    Scenario: A metadata value of more than 1,024 characters is refused
      When each of these is given to a new user
        | what                                                     |
        | metadata with a value of 1025 characters                 |
        | metadata with a value of 1025 characters of 4 bytes each |
      Then every call fails with INVALID_ARGUMENT and message "metadata is invalid"
      And no user was created

    Scenario: Metadata of up to 16,384 bytes in all is accepted
      When each of these is given to a new user
        | what                                                     |
        | metadata of 16384 bytes in all                           |
        | metadata of 16384 bytes in all, in characters of 4 bytes |
        | metadata of 16384 bytes in all, in quotation marks       |
      Then every call succeeds
      And every user comes back as given

    Scenario: Metadata of more than 16,384 bytes in all is refused, keys counted
      When each of these is given to a new user
        | what                                                     |
        | metadata of 16385 bytes in all                           |
        | metadata of 16385 bytes in all, in characters of 4 bytes |
      Then every call fails with INVALID_ARGUMENT and message "metadata is invalid"
      And no user was created

    Scenario Outline: A control character in a metadata <part> is refused, wherever it stands
      When each of these metadata <part>s is given to a new user
        | text             |
        | shoe{U+0000}size |
        | {U+0000}         |
        | shoe{U+0001}size |
        | shoe{U+0009}size |
        | shoesize{U+000A} |
        | {U+000D}shoesize |
        | shoe{U+001F}size |
        | shoe{U+007F}size |
        | shoe{U+0080}size |
        | shoesize{U+0085} |
        | shoe{U+009F}size |
      Then every call fails with INVALID_ARGUMENT and message "metadata is invalid"
      And no user was created

      Examples:
        | part  |
        | key   |
        | value |

    Scenario Outline: Every other text in a metadata <part> comes back byte for byte
      When each of these metadata <part>s is given to a new user
        | text                                   |
        | {U+0020}                               |
        | {U+3000}{U+00A0}{U+2028}               |
        | {U+0020}shoe{U+0020}size{U+0020}       |
        | Zo{U+00EB} e{U+0308} {U+212B} {U+FB01} |
        | {U+1F468}{U+200D}{U+1F469}             |
        | {U+200B}{U+FEFF}{U+202E}{U+00AD}       |
        | x{U+FFFE}{U+FFFF}{U+E000}{U+10FFFF}    |
        | a.b[c]                                 |
        | $set.{id}                              |
        | __proto__                              |
        | {"a": "\\u0000"}                       |
        | null                                   |
      Then every call succeeds
      And every user comes back as given

      Examples:
        | part  |
        | key   |
        | value |

    Scenario: Keys that differ only in case or composition are entries of their own
      When a user is created with
        | field                | value            |
        | email                | {id}@example.com |
        | name                 | Ada {id}         |
        | metadata.key         | 1                |
        | metadata.Key         | 2                |
        | metadata.key{U+0020} | 3                |
        | metadata.k{U+00E9}y  | 4                |
        | metadata.ke{U+0301}y | 5                |
      Then the call succeeds
      And the user comes back as given

    Scenario: A page of 100 users with the most metadata is answered
      Given 100 users named "Grace" with the longest name and the most metadata
      When the users named "Grace" are listed with
        | field     | value |
        | page_size | 100   |
      Then the page holds 100 users
      And every user on the page is as last acknowledged

    @property
    Scenario: Any metadata is accepted or refused as the clause says
      Then any metadata is accepted or refused as the rules of metadata say
