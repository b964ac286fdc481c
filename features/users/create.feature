@user-service
Feature: Creating a user

  What a create stores, and what it cannot do without.

  Rule: USR-1 A created user is stored and read back
    CreateUser stores a user with a new opaque `id`, the given email, name and metadata, status
    ACTIVE, and `created_at` = `updated_at`, the time of the call (at most 5 s off the server's
    clock, as `updated_at` after an update); GetUser returns that user.

    @gateway
    Scenario: A created user comes back with the email, name and metadata given
      When a user is created with
        | field             | value                         |
        | email             | Ada.Lovelace+{id}@Example.COM |
        | name              | Ada King, Countess {id}       |
        | metadata.title    | countess                      |
        | metadata.Language | English, French               |
      Then the call succeeds
      And the user comes back as given

    @gateway
    Scenario: A user is created without metadata and without a password
      When a user is created with
        | field | value             |
        | email | {id}@example.com  |
        | name  | Grace Hopper {id} |
      Then the call succeeds
      And the user comes back as given

    @gateway
    Scenario: A new user is ACTIVE
      When a user is created with
        | field | value             |
        | email | {id}@example.com  |
        | name  | Grace Hopper {id} |
      Then the call succeeds
      And the answered user has status ACTIVE

    @gateway
    Scenario: A new user was last updated when it was created
      When a user is created with
        | field | value             |
        | email | {id}@example.com  |
        | name  | Grace Hopper {id} |
      Then the call succeeds
      And created_at and updated_at of the answered user are set and equal
      And the user comes back as given

    @gateway
    Scenario: An updated user was updated when it was
      Given a user "Ada"
      When "Ada" is updated with
        | field | value        |
        | name  | Augusta {id} |
      Then the call succeeds
      And the user comes back as given

    @gateway
    Scenario: GetUser returns the user that CreateUser answered
      Given a user "Ada" with
        | field          | value    |
        | metadata.title | countess |
        | metadata.born  | 1815     |
      When "Ada" is read
      Then the call succeeds
      And the answered user is "Ada" as last acknowledged

    @gateway
    Scenario: Users that differ in nothing but their email have an id each
      When 20 users named "Grace" are created at once
      Then every call succeeds
      And no answered id is empty or answered twice

    @gateway
    Scenario: A user created with the email of a deleted one gets a new id
      Given a user "Ada"
      And "Ada" was deleted
      When the email `{Ada's email}` is given to a new user
      Then the call succeeds
      And the answered id is not that of "Ada"

  Rule: USR-2 Email, name and id are required
    Required: empty email gives INVALID_ARGUMENT `email is required`; a name that is empty or only
    white space gives `name is required`; an empty id in GetUser, UpdateUser, DeleteUser gives
    `id is required`.

    @gateway
    Scenario: A create with an empty email is refused
      When the email `` is given to a new user
      Then the call fails with INVALID_ARGUMENT and message "email is required"
      And no user was created

    @gateway
    Scenario: A create with an empty name is refused
      When the name `` is given to a new user
      Then the call fails with INVALID_ARGUMENT and message "name is required"
      And no user was created

    @gateway
    Scenario: A create with a name of nothing but white space is refused
      When each of these names is given to a new user
        | text                             |
        | {U+0020}                         |
        | {256 x U+0020}                   |
        | {U+00A0}                         |
        | {U+1680}                         |
        | {U+2000}                         |
        | {U+2003}                         |
        | {U+2007}                         |
        | {U+200A}                         |
        | {U+2028}                         |
        | {U+2029}                         |
        | {U+202F}                         |
        | {U+205F}                         |
        | {U+3000}                         |
        | {U+0020}{U+3000}{U+00A0}{U+2003} |
      Then every call fails with INVALID_ARGUMENT and message "name is required"
      And no user was created

    @gateway
    Scenario: A name of characters that only look like white space is accepted
      When each of these names is given to a new user
        | text              |
        | {U+200B}          |
        | {U+FEFF}          |
        | {U+2060}          |
        | {U+200D}{U+200E}  |
        | {U+00AD}          |
        | {U+2800}          |
        | {U+3164}          |
        | {U+0020}.{U+0020} |
      Then every call succeeds
      And every user comes back as given

    Scenario Outline: <method> with an empty id is refused
      Given a user "Ada"
      When <method> is called with an empty id
      Then the call fails with INVALID_ARGUMENT and message "id is required"
      And "Ada" is still there, unchanged

      Examples:
        | method     |
        | GetUser    |
        | UpdateUser |
        | DeleteUser |
