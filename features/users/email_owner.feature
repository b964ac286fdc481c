@user-service @gateway
Feature: The owner of an email

  Rule: USR-7 An email belongs to at most one user
    An email belongs to at most one user, compared without regard to ASCII case; a second create or
    an update to a taken email gives ALREADY_EXISTS. Of N concurrent creates exactly one succeeds.
    A deleted user's email is free again.

    Scenario: A second user with the same email is refused
      Given a user "Ada"
      When the email `{Ada's email}` is given to a new user
      Then the call fails with ALREADY_EXISTS
      And "Ada" is still there, unchanged
      And no user was created

    Scenario: A second user with the same email in other letter case is refused
      Given a user "Ada"
      When each of these emails is given to a new user
        | text                        |
        | {Ada's email in upper case} |
        | {Ada's email in mixed case} |
      Then every call fails with ALREADY_EXISTS
      And "Ada" is still there, unchanged
      And no user was created

    Scenario: An email in upper case is taken for its owner's lower case as well
      Given a user "Ada" with
        | field | value             |
        | email | ADA-{id}@BYRON.UK |
      When each of these emails is given to a new user
        | text              |
        | ada-{id}@byron.uk |
        | Ada-{id}@BYRON.uk |
        | aDA-{id}@bYRON.UK |
      Then every call fails with ALREADY_EXISTS
      And "Ada" is still there, unchanged
      And no user was created

    Scenario: An update to the email of another user is refused
      Given a user "Ada"
      And a user "Grace"
      When each of these emails is given to "Grace"
        | text                        |
        | {Ada's email}               |
        | {Ada's email in upper case} |
        | {Ada's email in mixed case} |
      Then every call fails with ALREADY_EXISTS
      And "Ada" is still there, unchanged
      And "Grace" is still there, unchanged

    Scenario: A user may write the email of its own in other letter case
      Given a user "Ada"
      When each of these emails is given to "Ada"
        | text                        |
        | {Ada's email in upper case} |
        | {Ada's email in mixed case} |
        | {Ada's email}               |
        | {Ada's email}               |
      Then every call succeeds
      And every user comes back as given

    Scenario: ASCII case is disregarded next to other letters too
      Given a user "Ada" with
        | field | value                             |
        | email | {id}{U+00C9}{U+0130}ada@{U+00FC}b |
      When the email `{id}{U+00C9}{U+0130}ADA@{U+00FC}B` is given to a new user
      Then the call fails with ALREADY_EXISTS
      And "Ada" is still there, unchanged
      And no user was created

    Scenario: Emails that differ in more than ASCII case have an owner each
      When each of these emails is given to a new user
        | text             |
        | {id}k@b          |
        | {id}{U+212A}@b   |
        | {id}i@b          |
        | {id}{U+0131}@b   |
        | {id}{U+0130}@b   |
        | {id}i{U+0307}@b  |
        | {id}ss@b         |
        | {id}{U+00DF}@b   |
        | {id}{U+1E9E}@b   |
        | {id}s@b          |
        | {id}{U+017F}@b   |
        | {id}e@b          |
        | {id}{U+00E9}@b   |
        | {id}{U+00C9}@b   |
        | {id}e{U+0301}@b  |
        | {id}{U+03C3}@b   |
        | {id}{U+03C2}@b   |
        | {id}{U+03A3}@b   |
        | {id}a@b          |
        | {id}{U+FF41}@b   |
        | {id}{U+0430}@b   |
        | {id}{U+FB01}@b   |
        | {id}fi@b         |
        | {id}fi{U+200B}@b |
      Then every call succeeds
      And every user comes back as given

    Scenario: Emails that one mail server might deliver to one box have an owner each
      When each of these emails is given to a new user
        | text            |
        | {id}.ada@b.com  |
        | {id}ada@b.com   |
        | {id}ada+x@b.com |
        | {id}ada@b.com.  |
        | "{id}ada"@b.com |
        | {id}_ada@b.com  |
        | {id}-ada@b.com  |
        | {id}%ada@b.com  |
      Then every call succeeds
      And every user comes back as given

    Scenario: Of many concurrent creates on two instances exactly one succeeds
      Given a deployment of its own
      And a second instance
      When 20 new users are given the same email at once, each in another letter case
      Then exactly one call succeeds, and every other fails with ALREADY_EXISTS
      And exactly one user has that email

    Scenario: Of many concurrent updates to one email exactly one succeeds
      Given 12 users named "Grace"
      When the users named "Grace" are given the same email at once, each in another letter case
      Then exactly one call succeeds, and every other fails with ALREADY_EXISTS
      And exactly one user has that email

    Scenario: The email of a deleted user is free again
      Given a user "Ada"
      And "Ada" was deleted
      When the email `{Ada's email in upper case}` is given to a new user
      Then the call succeeds
      And the user comes back as given

    Scenario: An email that its owner gave up is free again
      Given a user "Ada"
      And "Ada" was updated with
        | field | value               |
        | email | {id}new@example.com |
      When the email `{Ada's first email}` is given to a new user
      Then the call succeeds
      And the user comes back as given
      And "Ada" is still there, unchanged
