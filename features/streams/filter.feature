@user-service
Feature: Filters of streams

  A change that must not be sent is followed by one that must; a third of a second after that has come,
  nothing else may have.

  Rule: STR-2 Only users that match after the change are sent
    Only users that match the filter after the change are sent; deletes are not announced; an invalid
    filter gives INVALID_ARGUMENT.

    Scenario Outline: A stream of `<filter>` delivers users that match, and no others
      Given a user "Ada"
      And a user "Grace"
      And a stream "Watch" of users with `<filter>` is open
      When "Grace" is updated with
        | field          | value |
        | metadata.words | more  |
      And "Ada" is updated with
        | field          | value |
        | metadata.words | more  |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

      Examples:
        | filter                                                      |
        | name={Ada's name}                                           |
        | email={Ada's email}                                         |
        | email={Ada's email in upper case}                           |
        | name={Ada's name} AND status=ACTIVE                         |
        | email={Ada's email} AND name={Ada's name} AND status=ACTIVE |

    Scenario: Emails match without regard to ASCII case
      Given a user "Ada" with
        | field | value                |
        | email | ADA-{id}@Example.com |
      And a stream "Watch" of users with `email={Ada's email in mixed case}` is open
      When "Ada" is updated with
        | field          | value |
        | metadata.words | more  |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario Outline: Other letters match in their own case only, in a stream by <field>
      Given a user "Ada" with
        | field   | value   |
        | <field> | <other> |
      And a user "Grace" with
        | field   | value    |
        | <field> | <wanted> |
      And a stream "Watch" of users with `<field>=<wanted>` is open
      When "Ada" is updated with
        | field          | value |
        | metadata.words | more  |
      And "Grace" is updated with
        | field          | value |
        | metadata.words | more  |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

      Examples:
        | field | other                     | wanted                    |
        | email | {U+00C9}-{id}@example.com | {U+00E9}-{id}@example.com |
        | name  | Case-{id}                 | case-{id}                 |

    Scenario: What stands in quotes is one value
      Given a user "Ada" with
        | field | value          |
        | name  | A AND B "{id}" |
      And a user "Grace" with
        | field | value |
        | name  | A     |
      And a stream "Watch" of users with `name="A AND B \"{id}\""` is open
      When "Grace" is updated with
        | field          | value |
        | metadata.words | more  |
      And "Ada" is updated with
        | field          | value |
        | metadata.words | more  |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario: A user whose email changes is sent by its new email alone
      Given a user "Ada"
      And a user "Grace" with
        | field | value        |
        | name  | {Ada's name} |
      And a stream "Old" of users with `email={Ada's email} AND name={Ada's name}` is open
      And a stream "New" of users with `email=new-{id}@example.com AND name={Ada's name}` is open
      When the email `new-{id}@example.com` is given to "Ada"
      And the email `{Ada's first email}` is given to "Grace"
      Then the call succeeds
      And every one of them delivers every change since, in order, each once

    Scenario: A user that comes to match is sent
      Given a user "Ada"
      And a stream "Watch" of users with `email={Ada's email} AND status=SUSPENDED` is open
      When "Ada" is updated with
        | field  | value     |
        | status | SUSPENDED |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario: A user that matches no more is not sent, and one that matches again is
      Given a user "Ada"
      And a stream "Watch" of users with `email={Ada's email} AND status=ACTIVE` is open
      When "Ada" is updated with
        | field  | value    |
        | status | INACTIVE |
      And "Ada" is updated with
        | field         | value |
        | metadata.step | two   |
      And "Ada" is updated with
        | field  | value  |
        | status | ACTIVE |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario: A user that is renamed into a filter is sent, and one that is renamed out of it is not
      Given a user "Ada"
      And a user "Grace"
      And a stream "Watch" of users with `name=Both-{id}` is open
      When "Grace" is updated with
        | field | value     |
        | name  | Both-{id} |
      And "Grace" is updated with
        | field | value      |
        | name  | Other-{id} |
      And "Ada" is updated with
        | field | value     |
        | name  | Both-{id} |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario: A delete is not announced
      Given a user "Ada"
      And a user "Grace" with
        | field | value        |
        | name  | {Ada's name} |
      And a stream "Watch" of users with `name={Ada's name}` is open
      When "Ada" is updated with
        | field         | value |
        | metadata.step | one   |
      And "Ada" is deleted
      And "Grace" is updated with
        | field         | value |
        | metadata.step | two   |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario: A refused change is not sent
      Given a user "Ada"
      And a user "Grace"
      And a stream "Watch" of users with `name={Ada's name}` is open
      When the email `{Grace's email}` is given to "Ada"
      And "Ada" is updated with
        | field         | value |
        | metadata.step | two   |
      Then the stream "Watch" delivers every change since, in order, each once

    Scenario: An invalid filter gives INVALID_ARGUMENT
      When a stream is opened with each of these filters
        | filter                  |
        | age=3                   |
        | name                    |
        | name=                   |
        | status=ABSENT           |
        | status=ACTIVE AND       |
        | status=ACTIVE OR name=a |
        | name="a                 |
        | name=a b                |
      Then every stream fails with INVALID_ARGUMENT
      And requests succeed
