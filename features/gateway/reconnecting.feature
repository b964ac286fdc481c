@gateway
Feature: Connections to the user service

  With HEALTH_CACHE_TTL=500ms and HEALTH_CHECK_TIMEOUT=1s the bound of HLT-7 is 6500 ms.

  Rule: RES-5 The gateway outlives every failure of the user service
    The gateway outlives any upstream failure and reconnects by itself (bound as HLT-7).

    Background:
      Given a deployment of its own with
        | setting              | value |
        | REQUEST_TIMEOUT      | 1s    |
        | BREAKER_MAX_FAILURES | 1000  |
      And requests have succeeded

    @slow
    Scenario Outline: After the user service was <away> for 3 s requests succeed again
      Given the user service has been <away> for 3 s, with requests in flight
      When the user service is restored
      Then requests succeed again within 6500 ms

      Examples:
        | away |
        | cut  |
        | hung |

    @slow
    Scenario Outline: After 300 requests were <given up> requests succeed again
      Given the user service has been hung for 1 s, with requests in flight
      And 300 requests were <given up>
      When the user service is restored
      Then requests succeed again within 6500 ms

      Examples:
        | given up                   |
        | abandoned by their clients |
        | timed out by the gateway   |

    Scenario: After the user service was started anew requests succeed again
      Given the user service was stopped, and requests failed
      When the user service is started again
      Then requests succeed again within 6500 ms

    Scenario Outline: After `<answer>` from the user service requests succeed again
      Given the user service answers `<answer>`
      And the user service answers `<answer>`
      And the user service answers `<answer>`
      When 3 creates are made
      Then requests succeed again within 6500 ms

      Examples:
        | answer                                          |
        | a closed connection                             |
        | a connection closed after the headers           |
        | a connection closed in the middle of the answer |
        | a stream reset with INTERNAL_ERROR              |
        | a stream reset with ENHANCE_YOUR_CALM           |
        | a refused stream                                |
        | a GOAWAY that leaves the call unprocessed       |
        | headers only                                    |
        | a message that is no protobuf                   |
        | HTTP 503                                        |

  Rule: RES-6 A silent connection is given up
    [cap: client-keepalive] A connection to the user service that went silent is given up within
    `USER_SERVICE_KEEPALIVE_TIME` + 25 s, and later requests use a new one (erratum: the sample's client
    pings every 10 s, which its own server punishes); it pings no more often than that time. (The suite
    sets no less than 10 s.)

    @cap:client-keepalive @slow
    Scenario: An unresponsive idle connection is closed
      Given a deployment of its own with
        | setting                     | value |
        | USER_SERVICE_KEEPALIVE_TIME | 10s   |
        | HEALTH_CACHE_TTL            | 1h    |
        | REQUEST_TIMEOUT             | 1s    |
        | BREAKER_MAX_FAILURES        | 1000  |
      And requests have succeeded
      And every connection to the user service has stopped responding
      Then every unresponsive connection is closed within 35 s
      And the very next request succeeds

    @cap:client-keepalive @slow
    Scenario: An idle connection is pinged no more often than KEEPALIVE_TIME says
      Given a deployment of its own with
        | setting                     | value |
        | USER_SERVICE_KEEPALIVE_TIME | 10s   |
        | HEALTH_CACHE_TTL            | 1h    |
      And requests have succeeded
      When no request is sent for 22 s
      Then no connection was pinged more often than every 10 s
      And requests succeed
