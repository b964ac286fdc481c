@gateway
Feature: The health of the user service behind a gateway

  Rule: HLT-9 A gateway is as well as its user service says
    The gateway's `user-service` component follows the gRPC health status of `user.v1.UserService`.

    Background:
      Given a deployment of its own

    Scenario Outline: While the user service reports <status> the gateway is unhealthy
      When the user service reports <status>
      Then the program is unhealthy within 1500 ms
      And the program stays unhealthy for 1 s

      Examples:
        | status          |
        | NOT_SERVING     |
        | UNKNOWN         |
        | SERVICE_UNKNOWN |

    Scenario Outline: While the user service fails health checks with <code> the gateway is unhealthy
      When the user service fails health checks with <code>
      Then the program is unhealthy within 1500 ms
      And the program stays unhealthy for 1 s

      Examples:
        | code        |
        | NOT_FOUND   |
        | UNAVAILABLE |
        | INTERNAL    |

    Scenario: While the user service never answers health checks the gateway is unhealthy
      When the user service never answers health checks
      Then the program is unhealthy within 2500 ms
      And no health answer took longer than 1 s

    Scenario: When the user service is well again the gateway is healthy again
      Given the user service reports NOT_SERVING
      And the program has become unhealthy
      When the user service reports SERVING
      Then the program is healthy within 1500 ms
      And the program stays healthy for 1 s

    Scenario: That calls fail says nothing of the health of the user service
      Given the user service answers `UNAVAILABLE for every call`
      When 6 creates are made
      Then the program stays healthy for 2 s

    Scenario: The health of the server as a whole is not that of the service
      When the server of the user service as a whole is NOT_SERVING
      Then the program stays healthy for 2 s
