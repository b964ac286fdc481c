@user-service
Feature: Streams whose client is gone

  Rule: STR-6 A client that goes away frees its subscription
    A client that cancels or whose connection closes frees its subscription: within 5 s the call is
    counted (MET-5) and logged (LOG-3) as ended.

    Scenario Outline: A stream has ended once <event>
      Given a deployment of its own
      And the metrics were read
      And a stream is open that has delivered a change, on a connection of its own
      And the stream is not counted yet
      When <event>
      Then within 5 s the stream is counted as ended, once
      And within 5 s the stream is logged as ended, once

      Examples:
        | event                                  |
        | its client cancels the stream          |
        | the connection of the stream is closed |
        | the connection of the stream is reset  |

    # A common library pings at most every 10 s, even when configured with less.
    @cap:grpc-keepalive @slow
    Scenario: A stream has ended once its client was silent for too long
      Given a deployment of its own with
        | setting                | value |
        | GRPC_KEEPALIVE_TIME    | 10s   |
        | GRPC_KEEPALIVE_TIMEOUT | 1s    |
      And the metrics were read
      And a stream is open that has delivered a change, on a connection of its own
      When its client stops responding to the server
      Then within 17 s the stream is counted as ended, once
      And within 17 s the stream is logged as ended, once
