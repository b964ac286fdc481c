Feature: Health checks

  How long a check takes, and how often it is made.

  Rule: HLT-4 Checks run side by side, each within its time-out
    Checks run in parallel, each bounded by `HEALTH_CHECK_TIMEOUT`: with both resources hanging, the
    answer takes one time-out, not two.

    # Two time-outs are longer than one with any allowance.
    @user-service @slow
    Scenario: With every resource hanging the answer takes one time-out, not two
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 12s   |
      When every resource is hung
      Then the program is unhealthy within 12500 ms
      And no health answer took longer than 12 s

    @user-service
    Scenario Outline: While <failing> is cut the check of <slow>, which is slow, goes on
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 10s   |
      And <slow> is slowed by 150 ms
      When <failing> is cut
      Then the program is <whole> within 10500 ms
      And it is <whole> for <failing> alone for 2 s

      Examples:
        | failing               | slow                  | whole     |
        | the optional resource | the required resource | degraded  |
        | the required resource | the optional resource | unhealthy |

    Scenario Outline: A check of <resource> that hangs is given up in time
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 1s    |
      When <resource> is hung
      Then the program is <status> within 1500 ms
      And no health answer took longer than 1 s

      @user-service @gateway
      Examples:
        | resource              | status    |
        | the required resource | unhealthy |

      @user-service
      Examples:
        | resource              | status   |
        | the optional resource | degraded |

    @every-component
    Scenario: Checks of resources that hang from the start are given up in time
      Given a prepared deployment with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 1s    |
      And every resource is hung
      When the program is started
      Then the program is unhealthy within 10 s
      And no health answer took longer than 1 s

    @every-component
    Scenario: A check that hangs for a part of its time-out is waited for
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 10s   |
        | REQUEST_TIMEOUT      | 10s   |
      And the program has become healthy
      When the required resource is hung for 3 s, while its health is requested
      Then every health answer was healthy

    @every-component @slow
    Scenario: A check that is slow, but within its time-out, is waited for
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 15s   |
        | REQUEST_TIMEOUT      | 15s   |
      When the required resource is slowed by 600 ms
      Then a check of the required resource that took 1 s to 15 s finds it healthy within 15500 ms

  Rule: HLT-5 Answers are kept for a while, and not longer
    Answers are cached: however many calls come, gRPC health calls included, a component is checked
    at most once in `HEALTH_CACHE_TTL` (so the calls within one TTL carry at most two different
    `timestamp`s), and no answer is older than the TTL and one check. The check may run in the
    background.

    @every-component @slow
    Scenario Outline: However many clients ask, calls within a HEALTH_CACHE_TTL of <ttl> see at most two timestamps
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | <ttl> |
      And every resource is slowed by 20 ms
      When 8 clients keep requesting its health for 4500 ms
      Then calls within any <window> ms saw at most 2 timestamps
      And no answer was older than <oldest> ms

      Examples:
        | ttl   | window | oldest |
        | 2s    | 2000   | 3000   |
        | 900ms | 900    | 1900   |

    # Twice the time is more than any allowance.
    @user-service @gateway @slow
    Scenario: After a HEALTH_CACHE_TTL of 8 s what has changed is seen
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | 8s    |
      And the program has become healthy
      When the required resource is cut
      Then the program is unhealthy within 9 s

    @gateway @slow
    Scenario: However many clients request health, the user service gets one check in HEALTH_CACHE_TTL
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | 2s    |
      When 8 clients keep requesting its health for 4500 ms
      Then within any 2 s the user service got health checks at most 1 time

    @every-component @slow
    Scenario Outline: Answers about a resource that is <away> are kept just as long
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | 2s    |
      And the required resource is <away>
      And the program has become unhealthy
      When 8 clients keep requesting its health for 4500 ms
      Then calls within any 2 s saw at most 2 timestamps
      And no answer was older than 3 s

      Examples:
        | away |
        | cut  |
        | hung |

    @every-component
    Scenario: Within HEALTH_CACHE_TTL nothing is checked anew for any probe
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | 1m    |
      And the program has become healthy
      When the required resource is hung
      Then the program stays healthy for 3 s

    @user-service
    Scenario: Check of gRPC checks no resource within HEALTH_CACHE_TTL
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | 1m    |
      And the program has become healthy
      When the required resource is hung
      Then Check of every name stays SERVING for 3 s

    @user-service @gateway
    Scenario: An answer is followed by a newer one after HEALTH_CACHE_TTL and one check
      When /health is requested
      Then a newer health answer comes within 1500 ms

    @user-service @gateway @slow
    Scenario: The first answer after a quiet time is no older than any other
      Given a deployment of its own
      And the required resource has been cut for 4500 ms, without any request
      When /health is requested
      Then the answer's status is unhealthy
      And no answer was older than 1500 ms
