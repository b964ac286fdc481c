@user-service
Feature: When Redis fails

  Here `REQUEST_TIMEOUT` is 2 s, so that an answer comes within 3 s.

  Rule: USR-19 Without Redis every unary call succeeds
    Without Redis, refused or hanging, every unary call still succeeds (graceful degradation),
    within `REQUEST_TIMEOUT` + 1 s.

    Scenario Outline: A user goes through its life while Redis is <away>
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And Redis is <away>
      When a user is created, read, listed, updated, read, deleted and listed again
      Then every call succeeds
      And every read shows the change before it
      And every call ends within 3 s

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario Outline: Every unary call succeeds in time, also many at once, while Redis is <away>
      Given a deployment of its own with
        | setting                  | value |
        | REQUEST_TIMEOUT          | 2s    |
        | DATABASE_MAX_CONNECTIONS | 3     |
      And 20 users named "Grace"
      And Redis is <away>
      When 30 unary calls are made at once
      Then every call succeeds
      And every call ends within 3 s

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario Outline: A program that never met Redis serves every unary call while Redis is <away>
      Given a prepared deployment with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And Redis is <away>
      And the program was started and is ready
      When a user is created, read, listed, updated, read, deleted and listed again
      Then every call succeeds
      And every call ends within 3 s

      Examples:
        | away |
        | cut  |
        | hung |
