@user-service @gateway
Feature: Emails

  What counts as an email. Other rules, such as those of mail servers, are none of the service's business.

  Rule: USR-3 An email has two parts and a bounded length
    An email has exactly one `@`, a non-empty part before it (at most 64 bytes) and after it, at
    most 254 bytes in all, no white space or control character; otherwise INVALID_ARGUMENT
    `email is invalid`.

    Scenario: An email up to the limits in bytes is accepted
      When each of these is given to a new user
        | what                                                      |
        | an email of 254 bytes                                     |
        | an email of 254 bytes with 1 byte before the @            |
        | an email of 254 bytes in letters of 2 bytes               |
        | an email with 64 bytes before the @                       |
        | an email with 64 bytes before the @ in letters of 2 bytes |
        | an email with 64 bytes before the @ in letters of 4 bytes |
      Then every call succeeds
      And every user comes back as given

    Scenario: An email of more than 254 bytes is refused
      When each of these is given to a new user
        | what                                           |
        | an email of 255 bytes                          |
        | an email of 255 bytes with 1 byte before the @ |
        | an email of 255 bytes in letters of 2 bytes    |
        | an email of 100000 bytes                       |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email with more than 64 bytes before the @ is refused
      When each of these is given to a new user
        | what                                                      |
        | an email with 65 bytes before the @                       |
        | an email with 65 bytes before the @ in letters of 2 bytes |
        | an email with 65 bytes before the @ in letters of 4 bytes |
        | an email of 254 bytes with 65 bytes before the @          |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email without an @ is refused
      When each of these emails is given to a new user
        | text                    |
        | {id}                    |
        | {id}.example.com        |
        | {id}{U+FF20}example.com |
        | {id}{U+FE6B}example.com |
        | {id}%40example.com      |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email with more than one @ is refused
      When each of these emails is given to a new user
        | text                 |
        | {id}@@example.com    |
        | {id}@b@example.com   |
        | @{id}@example.com    |
        | {id}@example.com@    |
        | "{id}@b"@example.com |
        | {id}\\@b@example.com |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email with an empty part is refused
      When each of these emails is given to a new user
        | text              |
        | @{id}.example.com |
        | {id}@             |
        | @                 |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email with white space is refused, wherever it stands
      When each of these emails is given to a new user
        | text                      |
        | {U+0020}{id}@example.com  |
        | {id}@example.com{U+0020}  |
        | {id}{U+0020}a@example.com |
        | {id}@exam{U+0020}ple.com  |
        | "{id}{U+0020}a"@b         |
        | {id}{U+00A0}@example.com  |
        | {id}@example.com{U+00A0}  |
        | {id}{U+1680}@example.com  |
        | {id}{U+2000}@example.com  |
        | {id}@{U+2003}example.com  |
        | {U+2007}{id}@example.com  |
        | {id}@example.com{U+2028}  |
        | {id}{U+2029}@example.com  |
        | {id}{U+202F}@example.com  |
        | {id}{U+205F}a@example.com |
        | {U+3000}{id}@example.com  |
        | {id}@{U+3000}             |
        | {U+0020}                  |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email with a control character is refused, wherever it stands
      When each of these emails is given to a new user
        | text                     |
        | {id}{U+0000}@example.com |
        | {id}@example.com{U+0000} |
        | {id}{U+0001}@example.com |
        | {id}{U+0009}@example.com |
        | {id}@example.com{U+000A} |
        | {U+000D}{id}@example.com |
        | {id}@{U+001B}example.com |
        | {id}{U+001F}@example.com |
        | {id}@example{U+007F}.com |
        | {id}{U+0080}@example.com |
        | {id}@example.com{U+0085} |
        | {id}{U+009F}@example.com |
      Then every call fails with INVALID_ARGUMENT and message "email is invalid"
      And no user was created

    Scenario: An email that breaks no rule of the clause is accepted, even an unusual one
      When each of these emails is given to a new user
        | text                                  |
        | {id}@b                                |
        | b@{id}                                |
        | .{id}..@-.                            |
        | "{id}"@[127.0.0.1]                    |
        | {id}(comment)@b..c_d                  |
        | {id}!#$%&'*+-/=?^_`{~@example.com     |
        | {id},;:<a>@b                          |
        | {id}\\a@b                             |
        | {id}{U+FF20}a@b                       |
        | {id}{U+00E9}{U+0301}@b{U+00FC}cher.de |
        | {id}@{U+1F600}                        |
        | {id}{U+200B}{U+FEFF}@b                |
        | {id}{U+00A1}{U+00AD}@b                |
        | {id}{U+10FFFF}{U+FFFD}@b              |
      Then every call succeeds
      And every user comes back as given

    @property
    Scenario: Any email is accepted or refused as the clause says
      Then any email is accepted or refused as the rules of emails say
