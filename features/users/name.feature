@user-service @gateway
Feature: Names

  Rule: USR-4 A name is any text of bounded length
    A name holds at most 256 characters and no control character, otherwise INVALID_ARGUMENT
    `name is invalid`. Every other Unicode text comes back byte for byte.

    Scenario: A name of up to 256 characters is accepted, however many bytes they take
      When each of these is given to a new user
        | what                                     |
        | a name of 1 character                    |
        | a name of 256 characters                 |
        | a name of 256 characters of 2 bytes each |
        | a name of 256 characters of 4 bytes each |
      Then every call succeeds
      And every user comes back as given

    Scenario: A name of more than 256 characters is refused
      When each of these is given to a new user
        | what                                     |
        | a name of 257 characters                 |
        | a name of 257 characters of 4 bytes each |
        | a name of 100000 characters              |
      Then every call fails with INVALID_ARGUMENT and message "name is invalid"
      And no user was created

    Scenario: A name's length counts code points, not what a reader sees
      When each of these names is given to a new user
        | text                  |
        | e{256 x U+0301}       |
        | {129 x e{U+0301}}     |
        | {256 x a}{U+200D}     |
        | {250 x a}{7 x U+FE0F} |
      Then every call fails with INVALID_ARGUMENT and message "name is invalid"
      And no user was created

    Scenario: White space around a name counts and stays
      When each of these names is given to a new user
        | text                                        |
        | {U+0020}Ada{U+0020}{U+0020}Lovelace{U+0020} |
        | {U+3000}Ada{U+00A0}{U+2028}Lovelace{U+2029} |
        | {U+FEFF}Ada{U+200B}                         |
        | {255 x U+0020}A                             |
      Then every call succeeds
      And every user comes back as given

    Scenario: White space at either end counts towards a name's length
      When each of these names is given to a new user
        | text              |
        | {256 x a}{U+0020} |
        | {U+0020}{256 x a} |
        | a{256 x U+0020}   |
      Then every call fails with INVALID_ARGUMENT and message "name is invalid"
      And no user was created

    Scenario: A name with a control character is refused, wherever it stands
      When each of these names is given to a new user
        | text                |
        | Ada{U+0000}Lovelace |
        | {U+0000}Ada         |
        | Ada{U+0001}Lovelace |
        | Ada{U+0009}Lovelace |
        | Ada{U+000A}         |
        | {U+000A}Ada         |
        | Ada{U+000D}{U+000A} |
        | Ada{U+001B}[31m     |
        | Ada{U+001F}Lovelace |
        | Ada{U+007F}Lovelace |
        | Ada{U+0080}Lovelace |
        | Ada{U+0085}         |
        | Ada{U+009F}Lovelace |
        | {U+001C}            |
        | {U+001D}{U+001F}    |
      Then every call fails with INVALID_ARGUMENT and message "name is invalid"
      And no user was created

    Scenario: Every other Unicode text comes back byte for byte
      When each of these names is given to a new user
        | text                                                |
        | Zo{U+00EB}                                          |
        | Zoe{U+0308}                                         |
        | {U+00A0}x{U+00A1}{U+00AD}~                          |
        | {U+212B}{U+00C5}A{U+030A}                           |
        | {U+1100}{U+1161}{U+AC00}                            |
        | {U+FB01}{U+2126}{U+FF21}                            |
        | {U+202E}adA{U+202C}{U+200E}{U+2066}x{U+2069}        |
        | {U+1F468}{U+200D}{U+1F469}{U+200D}{U+1F467}{U+FE0F} |
        | {U+0627}{U+0644}{U+05D0}{U+0915}{U+094D}{U+0937}    |
        | {U+E000}{U+F8FF}{U+FFFD}                            |
        | x{U+FFFE}{U+FFFF}{U+FDD0}                           |
        | {U+10FFFF}{U+1FFFE}{U+E0001}                        |
        | a{U+2028}b{U+2029}c                                 |
        | O'Brien "Bob" \\ / < > & % _ ; ` $                  |
        | null                                                |
        | 007                                                 |
      Then every call succeeds
      And every user comes back as given

    @property
    Scenario: Any name is accepted or refused as the clause says
      Then any name is accepted or refused as the rules of names say
