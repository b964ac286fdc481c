@user-service
Feature: What a change moves and a refusal leaves

  Rule: USR-10 A change moves updated_at forward, a refusal changes nothing
    An update that changes something moves `updated_at` strictly forward, and never `created_at` or
    `id`. A refused request changes nothing. (What an update that changes nothing does to
    `updated_at` and to streams is free.)

    Scenario Outline: A change of <field> alone moves updated_at forward
      Given a user "Ada"
      When "Ada" is updated with
        | field   | value   |
        | <field> | <value> |
      Then the call succeeds
      And updated_at of "Ada" has increased
      And id and created_at of "Ada" have not changed

      Examples:
        | field            | value                       |
        | email            | {Ada's email in upper case} |
        | name             | Augusta {id}                |
        | status           | SUSPENDED                   |
        | metadata.machine | analytical                  |

    Scenario: Each of many quick changes moves updated_at forward
      Given a user "Ada"
      When "Ada" is renamed 50 times in a row
      Then every call succeeds
      And each answer's updated_at is later than the one before
      And id and created_at of "Ada" have not changed

    Scenario: Changes on two instances in turn move updated_at forward
      Given a deployment of its own
      And a second instance
      And a user "Ada"
      When "Ada" is renamed 50 times in a row, on both instances in turn
      Then every call succeeds
      And each answer's updated_at is later than the one before

    Scenario: Changes at the same time each have an updated_at of their own
      Given a deployment of its own
      And a second instance
      And a user "Ada"
      When "Ada" is renamed 20 times at once, on both instances
      Then every call succeeds
      And no two answers share an updated_at
      And the name of "Ada" is the one answered with the latest updated_at

    @gateway
    Scenario Outline: An update refused for its <field> with <status> changes none of its other fields
      Given a user "Grace"
      And a user "Ada"
      When "Ada" is updated with
        | field            | value        |
        | name             | Augusta {id} |
        | metadata.machine | analytical   |
        | <field>          | <value>      |
      Then the call fails with <status>
      And "Ada" is still there, unchanged

      Examples:
        | field            | value                         | status           |
        | email            | {id}                          | INVALID_ARGUMENT |
        | email            | {Grace's email in upper case} | ALREADY_EXISTS   |
        | status           | 0                             | INVALID_ARGUMENT |
        | metadata.machine | {U+000A}                      | INVALID_ARGUMENT |

    @gateway
    Scenario Outline: A create refused for its <field> does not take its email
      Given a create of a user with the email `{id}@example.com` was refused for
        | field   | value   |
        | <field> | <value> |
      When the email `{id}@example.com` is given to a new user
      Then the call succeeds
      And the user comes back as given

      Examples:
        | field            | value    |
        | name             | {U+0009} |
        | password         | 1234567  |
        | metadata.machine | {U+0009} |

    @gateway
    Scenario: A create refused for a taken email leaves its owner alone
      Given a user "Ada"
      When a user is created with
        | field          | value                       |
        | email          | {Ada's email in upper case} |
        | name           | Augusta {id}                |
        | metadata.title | countess                    |
      Then the call fails with ALREADY_EXISTS
      And "Ada" is still there, unchanged
