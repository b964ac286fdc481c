Feature: Every request is counted once

  A program's counters are compared over its own requests: each scenario has a deployment of its own.

  Rule: MET-5 Every request is counted once
    Every request that reaches the program's router is counted once, also a failed or cancelled one,
    or one without a route (a stream at its end); at rest counter and histogram agree.

    For LOG-3, MET-5 and TRC-5: a call that passed its deadline or was cancelled by its client may
    be recorded as `DeadlineExceeded` or `Cancelled` (`Canceled`), over HTTP with any status. What
    the HTTP or gRPC library refuses before any handler (malformed, too large, unknown gRPC method)
    may be missing.

    @gateway
    Scenario: A failed request is counted once
      Given a deployment of its own with
        | setting              | value |
        | BREAKER_MAX_FAILURES | 100   |
      And the metrics were read
      When each of these requests is made
        | request                | body    | script            | status |
        | DELETE /api/v1/users/x |         | INVALID_ARGUMENT  | 400    |
        | DELETE /api/v1/users/x |         | ALREADY_EXISTS    | 409    |
        | DELETE /api/v1/users/x |         | CANCELLED         | 499    |
        | DELETE /api/v1/users/x |         | INTERNAL          | 500    |
        | DELETE /api/v1/users/x |         | UNIMPLEMENTED     | 501    |
        | DELETE /api/v1/users/x |         | DEADLINE_EXCEEDED | 504    |
        | POST /api/v1/users     | no JSON |                   | 400    |
      Then each of these requests is counted once, by its method, its route and its status
      And counters and histograms hold the same requests over HTTP

    @user-service @gateway
    Scenario: A request without a route is counted once
      Given a deployment of its own
      And the metrics were read
      When each of these requests is made
        | request           | status |
        | GET /unknown      | any    |
        | GET /live/unknown | any    |
        | GET /             | any    |
      Then each of these requests is counted once, by its method, its route and its status
      And counters and histograms hold the same requests over HTTP

    @gateway
    Scenario: A request with a method that its route does not have is counted once
      Given a deployment of its own
      And the metrics were read
      When each of these requests is made
        | request               | body | status |
        | PUT /api/v1/users     | {}   | 405    |
        | PATCH /api/v1/users/x | {}   | 405    |
      Then each of these requests is counted once, by its method, its route and its status

    @gateway
    Scenario: A request that is tried three times is counted once
      Given a deployment of its own
      And the metrics were read
      When each of these requests is made
        | request             | script                            | status |
        | GET /api/v1/users/x | UNAVAILABLE twice, then NOT_FOUND | 404    |
        | GET /api/v1/users/x | UNAVAILABLE 3 times               | 503    |
      Then each of these requests is counted once, by its method, its route and its status

    @gateway
    Scenario: A request that times out is counted once
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 1s    |
      And the metrics were read
      When each of these requests is made
        | request                | script    | status |
        | DELETE /api/v1/users/x | no answer | 504    |
        | GET /api/v1/users/x    | no answer | 504    |
      Then each of these requests is counted once, by its method, its route and its status
      And counters and histograms hold the same requests over HTTP

    @gateway
    Scenario: A request whose client leaves is counted once
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And the metrics were read
      When 3 requests are made whose clients leave while the user service keeps them
      Then within 3 s each of these requests is counted once
      And counters and histograms hold the same requests over HTTP

    @gateway
    Scenario: Requests at the same time are each counted once
      Given a deployment of its own
      And the metrics were read
      When 100 requests are made at once, and as many fail
      Then each of these requests is counted once, by its method, its route and its status
      And counters and histograms hold the same requests over HTTP

    @user-service
    Scenario: Every kind of call is in counter and histogram
      Given a deployment of its own
      And a user "Ada"
      When requests of every kind are made
      Then counters and histograms hold the same requests over gRPC
      And counters and histograms hold the same requests over HTTP

    @user-service
    Scenario: A call that the database refuses is counted once
      Given a deployment of its own
      And the database refuses every write by a trigger
      And the metrics were read
      When each of these calls is made
        | method     | with         | code     |
        | CreateUser | valid values | INTERNAL |
      Then each of these calls is counted once, by its method and its code
      And counters and histograms hold the same requests over gRPC

    @user-service
    Scenario: A call without a database is counted once
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a user "Ada"
      And the metrics were read
      And the database is cut
      When each of these calls is made
        | method     | with         | code        |
        | CreateUser | valid values | UNAVAILABLE |
        | GetUser    | valid values | UNAVAILABLE |
      Then each of these calls is counted once, by its method and its code

    @user-service
    Scenario: A call that its client cancels is counted once
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a connection is open on which a call was answered
      And the metrics were read
      And every table is locked
      When CreateUser is called and cancelled by its client while the database keeps it
      Then within 3 s each of these calls is counted once
      And counters and histograms hold the same requests over gRPC

    @user-service
    Scenario: A call that passes its deadline is counted once
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a connection is open on which a call was answered
      And the metrics were read
      And every table is locked
      When CreateUser is called and passes its deadline while the database keeps it
      Then within 3 s each of these calls is counted once
      And counters and histograms hold the same requests over gRPC

    @user-service
    Scenario: Calls at the same time are each counted once
      Given a deployment of its own
      And the metrics were read
      When GetUser is called 100 times at once, with an unknown id, and fails with NOT_FOUND
      Then each of these calls is counted once, by its method and its code
      And counters and histograms hold the same requests over gRPC

    @user-service
    Scenario: A stream is counted once, at its end
      Given a deployment of its own
      And the metrics were read
      And a stream is open that has delivered a change, on a connection of its own
      And the stream is not counted yet
      When its client cancels the stream
      Then within 5 s the stream is counted as ended, once
      And counters and histograms hold the same requests over gRPC

    @user-service
    Scenario: Prometheus shows the calls that were made
      Given a deployment of its own
      And a user "Ada"
      And requests of every kind were made
      And Prometheus scrapes the program
      And it has scraped every request so far in `grpc_requests_total`
      When GetUser is called 40 times at once, with an unknown id, and fails with NOT_FOUND
      Then Prometheus shows 40 more requests in `grpc_requests_total`, by `increase` too

    @gateway
    Scenario: Prometheus shows the requests that were made
      Given a deployment of its own
      And requests of every kind were made
      And Prometheus scrapes the program
      And it has scraped every request so far in `http_requests_total`
      When 40 requests are made at once, each answered after 300 ms
      Then Prometheus shows 40 more requests in `http_requests_total`, by `increase` too
