@user-service
Feature: Passwords

  Rule: USR-6 A password is optional, bounded and kept only as a salted hash
    The password is optional; if given, 8 to 128 characters, otherwise INVALID_ARGUMENT
    `password is invalid`. It is kept only as a salted hash (see SEC-4) and never returned.

    @gateway
    Scenario: A password is optional
      When the password `` is given to a new user
      Then the call succeeds
      And the user comes back as given

    @gateway
    Scenario: A password of 8 to 128 characters is accepted, however many bytes they take
      When each of these is given to a new user
        | what                                         |
        | a password of 8 characters                   |
        | a password of 128 characters                 |
        | a password of 8 characters of 4 bytes each   |
        | a password of 128 characters of 4 bytes each |
      Then every call succeeds
      And every user comes back as given

    @gateway
    Scenario: A password of fewer than 8 characters is refused
      When each of these is given to a new user
        | what                                       |
        | a password of 1 character                  |
        | a password of 7 characters                 |
        | a password of 7 characters of 4 bytes each |
      Then every call fails with INVALID_ARGUMENT and message "password is invalid"
      And no user was created

    @gateway
    Scenario: A password of more than 128 characters is refused
      When each of these is given to a new user
        | what                                         |
        | a password of 129 characters                 |
        | a password of 129 characters of 4 bytes each |
        | a password of 100000 characters              |
      Then every call fails with INVALID_ARGUMENT and message "password is invalid"
      And no user was created

    @gateway
    Scenario: A password may hold any character
      When each of these passwords is given to a new user
        | text                          |
        | {8 x U+0020}                  |
        | 12345678                      |
        | pass{U+0000}word              |
        | {U+000A}{U+0085}{U+009F}12345 |
      Then every call succeeds
      And every user comes back as given

    @gateway
    Scenario: A password's length counts all its characters
      When each of these passwords is given to a new user
        | text                   |
        | 123456e{U+0301}        |
        | {U+0020}123456{U+0020} |
      Then every call succeeds
      And every user comes back as given

    Scenario: A password's clear text is kept nowhere
      Given a deployment of its own
      And a user "Ada" with
        | field    | value                      |
        | password | correct-horse-{id}-battery |
      When everything that the database and Redis hold is read
      Then the password of "Ada" does not appear in it, in clear text, hexadecimal or base64

    Scenario: Equal passwords are kept as different salted hashes
      Given a deployment of its own
      And a user "Ada" with
        | field    | value                      |
        | password | correct-horse-{id}-battery |
      And a user "Grace" with
        | field    | value                      |
        | password | correct-horse-{id}-battery |
      When everything that the database and Redis hold is read
      Then 2 different salted password hashes appear in it

    @gateway
    Scenario: A password and its hash are never returned
      Given every answer is kept byte by byte
      And a user "Ada" with
        | field    | value                      |
        | password | correct-horse-{id}-battery |
      When "Ada" is read, listed and updated
      Then every call succeeds
      And no answer ever held the password of "Ada" or a password hash
