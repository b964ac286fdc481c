@user-service @cap:grpc-keepalive
Feature: gRPC keepalive

  Rule: GRP-5 Silent clients are dropped, and clients that ping too often disconnected
    [cap: grpc-keepalive] A silent peer is dropped within keepalive time + timeout + 1 s; a client
    that pings more often than the minimum time is disconnected after at most five such pings (a
    ping after the server sent a frame of headers or data starts the count anew), with and without
    running calls; one that keeps to it never.

    # A common library pings at most every 10 s, even when configured with less.
    @slow
    Scenario Outline: An unresponsive client of <connection> is disconnected
      Given a deployment of its own with
        | setting                | value |
        | GRPC_KEEPALIVE_TIME    | 10s   |
        | GRPC_KEEPALIVE_TIMEOUT | 1s    |
      And <connection>
      When its client stops responding
      Then it is closed within 12 s

      Examples:
        | connection                                      |
        | an open connection on which a call was answered |
        | an open connection with a running Watch         |

    @slow
    Scenario Outline: A client of <connection> that answers is not dropped
      Given a deployment of its own with
        | setting                | value |
        | GRPC_KEEPALIVE_TIME    | 1s    |
        | GRPC_KEEPALIVE_TIMEOUT | 5s    |
      And <connection>
      And it was kept open for 8 s
      Then it is open and still answers

      Examples:
        | connection                                      |
        | an open connection on which a call was answered |
        | an open connection with a running Watch         |

    Scenario Outline: A client of <connection> that pings too often is disconnected
      Given a deployment of its own with
        | setting                 | value |
        | GRPC_KEEPALIVE_MIN_TIME | 5s    |
      And <connection>
      When its client pings 6 times, with pauses of 200 ms
      Then it is disconnected

      Examples:
        | connection                                      |
        | an open connection on which a call was answered |
        | an open connection with a running Watch         |

    @slow
    Scenario Outline: A client of <connection> that keeps to the minimum time stays connected
      Given a deployment of its own with
        | setting                 | value |
        | GRPC_KEEPALIVE_MIN_TIME | 1s    |
      And <connection>
      When its client pings 7 times, with pauses of 1200 ms
      Then it is open and still answers

      Examples:
        | connection                                      |
        | an open connection on which a call was answered |
        | an open connection with a running Watch         |

    Scenario: A ping after an answer starts the count anew
      Given a deployment of its own with
        | setting                 | value |
        | GRPC_KEEPALIVE_MIN_TIME | 1m    |
      And an open connection on which a call was answered
      When its client makes a call and pings, 10 times in a row
      Then it is open and still answers
