@user-service
Feature: Subscriptions

  A stream is open once its response headers are there. Changes are distinguished by their `updated_at`,
  which moves strictly forward (USR-10).

  Rule: STR-1 A live subscription hears of every create and update
    Response headers are sent as soon as the subscription is live; every create and update
    acknowledged after that, on any instance, arrives within 2 s as the user's new state (earlier
    ones may arrive too), also when the instance that acknowledged it died right after.

    Scenario: A stream is open though nothing happens
      When a stream "Watch" of users with `name=unknown-{id}` is opened
      Then the stream "Watch" stays open for 1 s
      And requests succeed

    Scenario: A create arrives
      Given a stream "Watch" of users with `name=Grace-{id}` is open
      When a user "Grace" is created on the first instance
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario Outline: An update of <field> arrives with all of the user
      Given a user "Ada" with
        | field         | value      |
        | metadata.tags | a{U+00E9}b |
      And a stream "Watch" of users with `email={Ada's email}` is open
      When "Ada" is updated with
        | field   | value   |
        | <field> | <value> |
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

      Examples:
        | field           | value                  |
        | name            | Grace {U+1F600} Hopper |
        | status          | SUSPENDED              |
        | metadata.origin | elsewhere              |

    Scenario: A stream without a filter delivers every user
      Given a deployment of its own
      And 3 users named "Ada"
      And 3 users named "Grace"
      And a stream "Watch" of all users is open
      When the users named "Ada" are changed 6 times by 2 clients
      And the users named "Grace" are changed 6 times by 2 clients
      And a user "Nell" is created on the first instance
      Then the stream "Watch" delivers every change since, in order, each once

    Scenario Outline: A create on the <writer> instance arrives on the <reader>
      Given a deployment of its own
      And a second instance
      And a stream "Watch" of users with `name=Grace-{id}` on the <reader> instance is open
      When a user "Grace" is created on the <writer> instance
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

      Examples:
        | writer | reader |
        | first  | second |
        | second | first  |

    Scenario: An update on another instance arrives
      Given a deployment of its own
      And a second instance
      And a user "Ada"
      And a stream "Watch" of users with `email={Ada's email}` on the second instance is open
      When "Ada" is renamed on the first instance
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

    Scenario Outline: What an instance acknowledged that was killed at once arrives, Redis being <away> for it
      Given a deployment of its own
      And a second instance
      And a user "Ada"
      And a stream "Watch" of users with `email={Ada's email}` on the second instance is open
      And Redis of the first instance is <away>
      When "Ada" is renamed on the first instance, which is killed as soon as it has answered
      Then the call succeeds
      And the stream "Watch" delivers every change since, in order, each once

      Examples:
        | away   |
        | there  |
        | slowed |
        | cut    |
        | hung   |

    Scenario: A stream opened while others write delivers every change that is acknowledged afterwards
      Given a deployment of its own
      And a second instance
      And 5 users named "Ada"
      When the users named "Ada" are changed by 4 clients on both instances, while 40 streams of users with `name={Ada's name}` are opened
      Then every one of them delivers every change since, in order, each once

    Scenario: Paging and order are nothing to a stream
      Given 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` is open with pages of 1 in order of `name`
      When the users named "Ada" are changed 12 times by 2 clients
      Then the stream "Watch" delivers every change since, in order, each once

    @slow
    Scenario: A stream without changes outlives REQUEST_TIMEOUT
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And 2 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` is open
      And the stream "Watch" stayed open for 4 s
      When the users named "Ada" are changed 4 times by 1 clients
      Then the stream "Watch" delivers every change since, in order, each once

    Scenario: Streams that were left do not stop others
      Given 2 users named "Ada"
      And 20 streams of users with `name={Ada's name}` were opened and closed
      And a stream "Watch" of users with `name={Ada's name}` is open
      When the users named "Ada" are changed 20 times by 2 clients
      Then the stream "Watch" delivers every change since, in order, each once
