@user-service
Feature: Reads after writes

  Every read is as good on one instance as on another. A read that came before the write is part of
  the scenario where it might fill a cache.

  Rule: USR-11 Reads see acknowledged writes
    Reads see acknowledged writes: once a create, update or delete has been answered, every later
    GetUser and ListUsers on any instance reflects it. Per user the history is linearizable, also
    with concurrent writers, and also when Redis was away, for all instances or for one, and came
    back with its old data.

    @gateway
    Scenario: A create is seen at once on every instance
      Given a deployment of its own
      And a second instance
      And the users named "Grace" were listed on both instances
      When a user "Grace" is created on the first instance
      Then the call succeeds
      And "Grace" is seen as last acknowledged on both instances

    @gateway
    Scenario: An update is seen at once on every instance
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      When "Ada" is renamed on the first instance
      Then the call succeeds
      And "Ada" is seen as last acknowledged on both instances

    @gateway
    Scenario: A delete is seen at once on every instance
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      When "Ada" is deleted on the first instance
      Then the call succeeds
      And "Ada" is gone on both instances

    @gateway
    Scenario: Every one of many changes is seen by the very next read on the other instance
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      When "Ada" is renamed 50 times on the first instance, and read and listed on the second after each
      Then every call succeeds
      And every read shows the change before it

    @gateway
    Scenario: On one instance too, every change is seen by the very next read
      Given a user "Ada"
      When "Ada" is renamed 50 times, and read and listed after each
      Then every call succeeds
      And every read shows the change before it

    Scenario Outline: A change made while Redis is <away> outlives its old data
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      And Redis is <away>
      And "Ada" was renamed
      When Redis is restored
      Then "Ada" is seen as last acknowledged on both instances, for 3 s

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario Outline: A change that one instance makes while Redis is <away> for it alone is seen on every instance
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      And Redis of the first instance is <away>
      When "Ada" is renamed on the first instance
      Then the call succeeds
      And "Ada" is seen as last acknowledged on both instances, for 2 s

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario: A delete that one instance makes while Redis is away for it alone is seen on every instance
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      And Redis of the first instance is cut
      When "Ada" is deleted on the first instance
      Then the call succeeds
      And "Ada" is gone on both instances, for 2 s

    Scenario: A change that one instance made without Redis outlives its old data
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      And Redis of the first instance is cut
      And "Ada" was renamed
      When Redis of the first instance is restored
      Then "Ada" is seen as last acknowledged on both instances, for 2 s

    Scenario: A delete made while Redis is away outlives its old data
      Given a deployment of its own
      And a second instance
      And a user "Ada" that both instances have returned
      And Redis is cut
      And "Ada" was deleted
      When Redis is restored
      Then "Ada" is gone on both instances, for 3 s

    @gateway @property
    Scenario: Any sequence of operations on two instances agrees with the model
      Given a deployment of its own
      And a second instance
      Then any sequence of 200 user operations by 4 clients agrees with the model

    @gateway @property
    Scenario: Concurrent clients of one instance see one history of a user
      Then every history of one user under 4 concurrent clients is linearizable

    @gateway @property
    Scenario: Concurrent clients of two instances see one history of a user
      Given a deployment of its own
      And a second instance
      Then every history of one user under 4 concurrent clients is linearizable

    @property
    Scenario: Concurrent clients see one history of a user while Redis goes away and comes back
      Given a deployment of its own
      And a second instance
      Then the history of one user under 4 concurrent clients is linearizable while Redis is cut and restored
