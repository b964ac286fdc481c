@user-service
Feature: Recovery

  With HEALTH_CACHE_TTL=500ms and HEALTH_CHECK_TIMEOUT=1s the bound is 6500 ms.

  Rule: HLT-7 A component recovers without a restart
    A component recovers without a restart: after an outage of at most 3 s the program is ready again
    within `HEALTH_CACHE_TTL` + `HEALTH_CHECK_TIMEOUT` + 5 s.

    @slow
    Scenario Outline: After <resource> <was> <away> for 3 s the program is healthy again
      Given a deployment of its own
      And <resource> <has> been <away> for 3 s
      When <resource> <is> restored
      Then the program is healthy within 6500 ms
      And the program stays healthy for 1 s
      And requests succeed

      Examples:
        | resource              | has  | was  | is  | away |
        | the required resource | has  | was  | is  | cut  |
        | the required resource | has  | was  | is  | hung |
        | the optional resource | has  | was  | is  | cut  |
        | the optional resource | has  | was  | is  | hung |
        | both resources        | have | were | are | cut  |

    @slow
    Scenario: After a third outage the program is healthy again as after the first
      Given a deployment of its own
      And the required resource was cut and restored twice, and the program became healthy each time
      And the required resource has been cut for 1 s
      When the required resource is restored
      Then the program is healthy within 6500 ms
      And the program stays healthy for 1 s

    Scenario: After both resources dropped every connection the program is healthy again
      Given a deployment of its own
      When both resources drop every connection
      Then the program is healthy within 6500 ms
      And the program stays healthy for 1 s
      And requests succeed
