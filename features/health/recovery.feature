Feature: Recovery

  With HEALTH_CACHE_TTL=500ms and HEALTH_CHECK_TIMEOUT=1s the bound is 6500 ms; what is optional may show as
  degraded until 16500 ms.

  Rule: HLT-7 A component recovers without a restart
    A component recovers without a restart: after an outage of at most 3 s the program is ready
    again within `HEALTH_CACHE_TTL` + `HEALTH_CHECK_TIMEOUT` + 5 s (an optional component may show
    as degraded for 10 s more).

    @slow
    Scenario Outline: After <resource> was <away> for 3 s the program is healthy again
      Given a deployment of its own
      And <resource> has been <away> for 3 s
      When <resource> is restored
      Then the program is ready within 6500 ms, and stays so for 1 s
      And the program is healthy within 16500 ms, and stays so for 1 s
      And requests succeed

      @user-service @gateway
      Examples:
        | resource              | away |
        | the required resource | cut  |
        | the required resource | hung |

      @user-service
      Examples:
        | resource              | away |
        | the optional resource | cut  |
        | the optional resource | hung |
        | every resource        | cut  |

    @every-component @slow
    Scenario: After a third outage the program is healthy again as after the first
      Given a deployment of its own
      And the required resource was cut and restored twice, and the program became healthy each time
      And the required resource has been cut for 1 s
      When the required resource is restored
      Then the program is healthy within 6500 ms, and stays so for 1 s

    @user-service @gateway
    Scenario: After every resource dropped every connection the program is healthy again
      Given a deployment of its own
      When every resource drops every connection
      Then the program is ready within 6500 ms, and stays so for 1 s
      And the program is healthy within 16500 ms, and stays so for 1 s
      And requests succeed
