Feature: The log lines of requests

  Each request has one line with its id, its method, its status and its duration, however it ends. A table's
  `script` is what the user service answers behind a gateway.

  Rule: LOG-3 Each request is logged once, at its end
    Each request under `/api/v1` and each RPC of the user service (not probes) logs one line at its
    end with `request_id` (the user service takes it from the `x-request-id` metadata, else makes
    one), `trace_id` (32 hex digits, when traced), `method` and `status` as in MET-2 and MET-3,
    `duration_ms`; HTTP adds `path` (raw or decoded, without the query); `error` for every status
    from 400 and every code but OK; an authenticated one `user_id` (the token's `sub`, in the
    gateway). (An unknown HTTP method may be logged as it came.) Level: ERROR for 500, INTERNAL,
    UNKNOWN, DATA_LOSS; WARN or ERROR for 501 to 599, UNAVAILABLE, DEADLINE_EXCEEDED; else INFO or
    WARN (a success: INFO).

    For LOG-3, MET-5 and TRC-5: a call that passed its deadline or was cancelled by its client may
    be recorded as `DeadlineExceeded` or `Cancelled` (`Canceled`), over HTTP with any status. What
    the HTTP or gRPC library refuses before any handler (malformed, too large, unknown gRPC method)
    may be missing.

    @gateway
    Scenario: A gateway logs every success of every route
      Given a deployment of its own
      And a user "Ada"
      When each of these requests is made
        | request                     | body                                       | status |
        | GET /api/v1/users           |                                            | 200    |
        | POST /api/v1/users          | {"email": "b-{id}@a.example", "name": "B"} | 201    |
        | GET /api/v1/users/{Ada's id}    |                                        | 200    |
        | PUT /api/v1/users/{Ada's id}    | {"name": "Grace"}                      | 200    |
        | DELETE /api/v1/users/{Ada's id} |                                        | 204    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A gateway logs every error of the user service at the level of its status
      Given a deployment of its own with
        | setting              | value |
        | BREAKER_MAX_FAILURES | 100   |
      When each of these requests is made
        | request                | script                    | status |
        | DELETE /api/v1/users/x | INVALID_ARGUMENT "why"    | 400    |
        | DELETE /api/v1/users/x | OUT_OF_RANGE "why"        | 400    |
        | DELETE /api/v1/users/x | UNAUTHENTICATED "why"     | 401    |
        | DELETE /api/v1/users/x | PERMISSION_DENIED "why"   | 403    |
        | DELETE /api/v1/users/x | NOT_FOUND "why"           | 404    |
        | DELETE /api/v1/users/x | ALREADY_EXISTS "why"      | 409    |
        | DELETE /api/v1/users/x | ABORTED "why"             | 409    |
        | DELETE /api/v1/users/x | FAILED_PRECONDITION "why" | 412    |
        | DELETE /api/v1/users/x | RESOURCE_EXHAUSTED "why"  | 429    |
        | DELETE /api/v1/users/x | CANCELLED "why"           | 499    |
        | DELETE /api/v1/users/x | INTERNAL "why"            | 500    |
        | DELETE /api/v1/users/x | UNKNOWN "why"             | 500    |
        | DELETE /api/v1/users/x | DATA_LOSS "why"           | 500    |
        | DELETE /api/v1/users/x | UNIMPLEMENTED "why"       | 501    |
        | DELETE /api/v1/users/x | UNAVAILABLE "why"         | 503    |
        | DELETE /api/v1/users/x | DEADLINE_EXCEEDED "why"   | 504    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A gateway logs requests that it refuses itself
      Given a deployment of its own
      When each of these requests is made
        | request                        | body       | status |
        | POST /api/v1/users             | no JSON    | 400    |
        | POST /api/v1/users             | {"name": 1} | 400   |
        | GET /api/v1/users?page_size=x  |            | 400    |
        | GET /api/v1/unknown            |            | 404    |
        | PUT /api/v1/users              | {}         | 405    |
        | PATCH /api/v1/users/x          | {}         | 405    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A request that the breaker refuses is logged
      Given a deployment of its own with
        | setting              | value |
        | BREAKER_MAX_FAILURES | 1     |
      When each of these requests is made
        | request                | script      | status |
        | DELETE /api/v1/users/x | UNAVAILABLE "why"         | 503    |
        | DELETE /api/v1/users/x |             | 503    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A request that is tried three times has one line
      Given a deployment of its own
      When each of these requests is made
        | request             | script                                          | status |
        | GET /api/v1/users/x | UNAVAILABLE twice, then NOT_FOUND "no such user" | 404   |
        | GET /api/v1/users/x | UNAVAILABLE 3 times                             | 503    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: The path is logged without the query
      Given a deployment of its own
      When each of these requests is made
        | request                                  | status |
        | GET /api/v1/users?filter=name%3Dx        | 200    |
        | GET /api/v1/users/a%20b?page_size=1      | 404    |
        | GET /api/v1/users/%C3%A9?                | 404    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A request that the user service never answers is logged
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 1s    |
      When each of these requests is made
        | request                | script    | status |
        | DELETE /api/v1/users/x | no answer | 504    |
        | GET /api/v1/users/x    | no answer | 504    |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A request whose client leaves is logged
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      When 3 requests are made whose clients leave while the user service keeps them
      Then within 3 s each of these requests has one line in the log

    @gateway
    Scenario: The time of a request is logged in milliseconds
      Given a deployment of its own
      When `DELETE /api/v1/users/x` is made, which the user service answers after 700 ms
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @gateway
    Scenario: A gateway logs the same fields as text
      Given a deployment of its own with
        | setting    | value |
        | LOG_FORMAT | text  |
      When each of these requests is made
        | request                | script                | status |
        | GET /api/v1/users      |                       | 200    |
        | DELETE /api/v1/users/x | NOT_FOUND "no = such" | 404    |
        | DELETE /api/v1/users/x | INTERNAL "disk = full" | 500   |
      Then each of these requests has one line in the log, with its fields, at the level of its status

    @user-service
    Scenario: A user service logs every call by its method and code
      Given a user "Ada"
      When each of these calls is made
        | method     | with              | code             |
        | CreateUser | valid values      | OK               |
        | GetUser    | valid values      | OK               |
        | UpdateUser | valid values      | OK               |
        | ListUsers  | valid values      | OK               |
        | CreateUser | no email          | INVALID_ARGUMENT |
        | CreateUser | a taken email     | ALREADY_EXISTS   |
        | GetUser    | an unknown id     | NOT_FOUND        |
        | GetUser    | an empty id       | INVALID_ARGUMENT |
        | ListUsers  | an invalid filter | INVALID_ARGUMENT |
        | DeleteUser | valid values      | OK               |
        | DeleteUser | an unknown id     | NOT_FOUND        |
      Then each of these calls has one line in the log, with its fields, at the level of its status

    @user-service
    Scenario: A call that the database refuses is logged at ERROR
      Given a deployment of its own
      And the database refuses every write by a trigger
      When each of these calls is made
        | method     | with         | code     |
        | CreateUser | valid values | INTERNAL |
      Then each of these calls has one line in the log, with its fields, at the level of its status

    @user-service
    Scenario: A call without a database is logged at WARN or ERROR
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a user "Ada"
      And the database is cut
      When each of these calls is made
        | method     | with         | code        |
        | CreateUser | valid values | UNAVAILABLE |
        | GetUser    | valid values | UNAVAILABLE |
      Then each of these calls has one line in the log, with its fields, at the level of its status

    @user-service
    Scenario: A call without a request id is logged with one of its own
      Given a deployment of its own
      When GetUser is called twice without metadata
      Then each of these calls has a line in the log with an id of its own

    @user-service
    Scenario: A call that its client cancels is logged
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a connection is open on which a call was answered
      And every table is locked
      When CreateUser is called and cancelled by its client while the database keeps it
      Then within 3 s each of these requests has one line in the log

    @user-service
    Scenario: A call that passes its deadline is logged
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a connection is open on which a call was answered
      And every table is locked
      When CreateUser is called and passes its deadline while the database keeps it
      Then within 3 s each of these requests has one line in the log

    @user-service
    Scenario: The time of a call is logged in milliseconds
      Given a deployment of its own
      And a user "Ada"
      When GetUser is called with the database slowed by 300 ms
      Then each of these calls has one line in the log, with its fields, at the level of its status

    @user-service
    Scenario: A stream is logged once, at its end
      Given a deployment of its own
      And a stream is open that has delivered a change, on a connection of its own
      And the stream was open for 400 ms
      And the stream has no line in the log yet
      When its client cancels the stream
      Then within 5 s the stream is logged as ended, once

    @user-service
    Scenario: A user service logs the same fields as text
      Given a deployment of its own with
        | setting    | value |
        | LOG_FORMAT | text  |
      And a user "Ada"
      When each of these calls is made
        | method    | with              | code             |
        | GetUser   | valid values      | OK               |
        | GetUser   | an unknown id     | NOT_FOUND        |
        | ListUsers | an invalid filter | INVALID_ARGUMENT |
      Then each of these calls has one line in the log, with its fields, at the level of its status
