@user-service @cap:grpc-connection-limits
Feature: gRPC connections

  Times count from the connection's opening, or from the end of its last call. A maximum age T allows
  0.9 T - 2 s to 1.1 T + 2 s, a maximum idle time T allows T to 2 T + 2 s.

  Rule: GRP-4 Connections are closed gracefully when they are old or idle
    [cap: grpc-connection-limits] Connections are closed gracefully (GOAWAY, running calls finish
    within the grace) after the maximum age, within 10 % and 2 s, and after the maximum time without
    a running call: not before it, at the latest 2 s after twice it (gRPC's C core looks once in a
    period). (The suite sets none of these under 1 s.)

    Scenario: A connection that is too old gets GOAWAY
      Given a deployment of its own with
        | setting                 | value |
        | GRPC_MAX_CONNECTION_AGE | 1s    |
      And an open connection
      Then it gets GOAWAY after 0 ms to 3100 ms

    @slow
    Scenario: A connection gets no GOAWAY long before it is too old
      Given a deployment of its own with
        | setting                 | value |
        | GRPC_MAX_CONNECTION_AGE | 6s    |
      And an open connection
      Then it gets GOAWAY after 3400 ms to 8600 ms

    Scenario: A connection that is too old gets GOAWAY though a call is running
      Given a deployment of its own with
        | setting                 | value |
        | GRPC_MAX_CONNECTION_AGE | 1s    |
      And an open connection with a running Watch
      Then it gets GOAWAY after 0 ms to 3100 ms

    @slow
    Scenario: A call that is running when its connection is too old finishes within the grace
      Given a deployment of its own with
        | setting                       | value |
        | GRPC_MAX_CONNECTION_AGE       | 2s    |
        | GRPC_MAX_CONNECTION_AGE_GRACE | 10s   |
        | REQUEST_TIMEOUT               | 20s   |
      And a call that the database holds is running on an open connection
      When the database lets it go 6 s after its connection got GOAWAY, at most 4200 ms old
      Then the running call succeeds

    Scenario: A call that outlives the grace is ended
      Given a deployment of its own with
        | setting                       | value |
        | GRPC_MAX_CONNECTION_AGE       | 1s    |
        | GRPC_MAX_CONNECTION_AGE_GRACE | 1s    |
      And an open connection with a running Watch
      Then the Watch is ended within 4200 ms

    Scenario: A connection without a call gets GOAWAY when it was idle for too long
      Given a deployment of its own with
        | setting                  | value |
        | GRPC_MAX_CONNECTION_IDLE | 1s    |
      And an open connection
      Then it gets GOAWAY after 1000 ms to 4000 ms

    @slow
    Scenario: A connection gets no GOAWAY before it was idle for too long
      Given a deployment of its own with
        | setting                  | value |
        | GRPC_MAX_CONNECTION_IDLE | 6s    |
      And an open connection on which a call was answered
      Then it gets GOAWAY after 6000 ms to 14000 ms

    @slow
    Scenario: The idle time counts from the last call
      Given a deployment of its own with
        | setting                  | value |
        | GRPC_MAX_CONNECTION_IDLE | 5s    |
      And an open connection on which a call was answered
      When a call is made on it every 1 s for 8 s
      Then it is open and still answers

    @slow
    Scenario: A connection is not idle while a call is running, and idle when it has ended
      Given a deployment of its own with
        | setting                  | value |
        | GRPC_MAX_CONNECTION_IDLE | 1s    |
      And an open connection with a running Watch
      And it was kept open for 4 s
      When the Watch is cancelled
      Then it gets GOAWAY after 1000 ms to 4000 ms
