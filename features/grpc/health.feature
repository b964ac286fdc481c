@user-service
Feature: gRPC health

  Every name is `""`, which stands for the program, and `user.v1.UserService`.

  Rule: GRP-1 The gRPC health service follows readiness
    `grpc.health.v1`: Check answers SERVING for `""` and `user.v1.UserService`, NOT_FOUND for
    another name (Watch of another name is free); NOT_SERVING while the program is not ready (Check
    as fresh as HLT-5). Watch reports every status that lasts, within `HEALTH_CACHE_TTL` + 5 s, and
    an open Watch sees NOT_SERVING before it ends at shutdown.

    Scenario Outline: Check of "<name>" answers SERVING
      When Check of "<name>" is called
      Then Check answers SERVING

      Examples:
        | name                |
        |                     |
        | user.v1.UserService |

    Scenario Outline: Check of the unknown name "<name>" answers NOT_FOUND
      When Check of "<name>" is called
      Then Check fails with NOT_FOUND

      Examples:
        | name                 |
        | UserService          |
        | user.v1              |
        | user.v1.userservice  |
        | user.v1.UserServices |

    Scenario Outline: Check answers NOT_SERVING while the required resource is <away>
      Given a deployment of its own
      When the required resource is <away>
      Then the program is unhealthy within 1500 ms
      And Check of every name answers NOT_SERVING within 1500 ms

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario: Check answers NOT_SERVING in a program that has never been ready
      Given a prepared deployment
      And the required resource is cut
      When the program is started
      Then the program is unhealthy within 10 s
      And Check of every name answers NOT_SERVING within 1500 ms

    Scenario: Check answers SERVING while the program is degraded
      Given a deployment of its own
      When the optional resource is cut
      Then the program is degraded within 1500 ms
      And Check of every name stays SERVING for 2 s

    Scenario: Check answers SERVING again when the program is ready again
      Given a deployment of its own
      And the required resource has been cut for 3 s
      When the required resource is restored
      Then the program is healthy within 6500 ms
      And Check of every name answers SERVING within 1500 ms

    @slow
    Scenario: From SIGTERM on Check answers SERVING no more
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | 1m    |
        | SHUTDOWN_TIMEOUT | 20s   |
        | REQUEST_TIMEOUT  | 20s   |
      And a request that takes 12 s is in flight
      When the program receives SIGTERM
      Then Check of every name never answers SERVING again

    Scenario Outline: A Watch of "<name>" begins with the present status
      When a Watch of "<name>" is opened
      Then every Watch sees SERVING within 5500 ms

      Examples:
        | name                |
        |                     |
        | user.v1.UserService |

    Scenario Outline: A Watch sees NOT_SERVING when the required resource is <away>
      Given a deployment of its own
      And a Watch of every name has seen SERVING
      When the required resource is <away>
      Then the program is unhealthy within 1500 ms
      And every Watch sees NOT_SERVING within 5500 ms

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario: A Watch sees SERVING when the program is ready again
      Given a deployment of its own
      And the required resource is cut
      And a Watch of every name has seen NOT_SERVING
      When the required resource is restored
      Then every Watch sees SERVING within 5500 ms of the program being ready

    Scenario Outline: An open Watch sees NOT_SERVING before it ends at <signal>
      Given a deployment of its own
      And a Watch of every name has seen SERVING
      When the program receives <signal>
      Then every Watch ends after NOT_SERVING
      And the program exits gracefully within 6 s

      Examples:
        | signal  |
        | SIGTERM |
        | SIGINT  |
