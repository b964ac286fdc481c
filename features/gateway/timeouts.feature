@gateway
Feature: Time-outs and retries

  The breaker is kept out of the way. What a busy machine needs on top of each limit is the suite's
  allowance; no answer may come before its time.

  Rule: RES-1 A request's upstream work is bounded
    Every request's upstream work, retries included, is bounded by `REQUEST_TIMEOUT`; passing it is 504,
    and nothing of it goes on: at most 1 s later its call has ended and no further try begins.

    Scenario Outline: A request whose call <hangs> is 504 after <time>, on every route
      Given a deployment of its own with
        | setting              | value     |
        | REQUEST_TIMEOUT      | <setting> |
        | BREAKER_MAX_FAILURES | 1000      |
      And the user service answers `<answer> for every call`
      When every route is requested
      Then every answer is 504 with the error `upstream timeout`
      And every answer came after <time>
      And every call ends within 1 s of that, and no other follows for 1 s

      Examples:
        | hangs                           | answer       | setting | time    |
        | is never answered               | no answer    | 500ms   | 500 ms  |
        | is never answered               | no answer    | 2500ms  | 2500 ms |
        | is answered by headers alone    | headers only | 500ms   | 500 ms  |
        | is answered long after its time | OK after 9 s | 500ms   | 500 ms  |

    Scenario: A request that is answered late, but within its time, succeeds
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 20s   |
      And the user service answers `OK after 1500 ms for every call`
      When `GET /api/v1/users` is requested
      Then the answer is 200

    Scenario: A time-out leaves the gateway working
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 500ms |
      And the user service answers `no answer`
      When `POST /api/v1/users` is sent with `{"email": "a@b.com", "name": "Ada"}`
      Then the answer is 504 with the error `upstream timeout`
      And requests succeed

    Scenario: Retries do not go beyond the time of their request
      Given a deployment of its own with
        | setting              | value  |
        | REQUEST_TIMEOUT      | 2500ms |
        | RETRY_MAX_ATTEMPTS   | 5      |
        | RETRY_BASE_DELAY     | 1ms    |
        | BREAKER_MAX_FAILURES | 1000   |
      And the user service answers `UNAVAILABLE after 2 s for every call`
      When `GET /api/v1/users` is requested
      Then the answer is that of an unavailable service or of a time-out
      And every answer came within 2500 ms
      And every call ends within 1 s of that, and no other follows for 3 s

    Scenario: With an unresponsive user service every route fails in time
      Given a deployment of its own with
        | setting              | value |
        | REQUEST_TIMEOUT      | 500ms |
        | BREAKER_MAX_FAILURES | 1000  |
      And requests have succeeded
      And the user service is hung
      When every route is requested
      Then every answer is that of an unavailable service or of a time-out
      And every answer came within 500 ms

  Rule: RES-2 A GET is tried again while the user service is unavailable
    GET requests whose call ends with status UNAVAILABLE are tried again, `RETRY_MAX_ATTEMPTS` (at most
    5) tries in all (what more than 5 does is free), pause n random between 0.5 and 1.5 times
    `RETRY_BASE_DELAY`·2ⁿ⁻¹, all within the request's time-out (where the next pause no longer fits: 503
    at once or 504). Once the upstream has received it, no other call is tried again (what gRPC itself
    re-sends because the server refused it unprocessed is free).

    Scenario Outline: `<route>` is tried again until it is answered
      Given a deployment of its own
      And a user "Ada"
      And the user service answers `UNAVAILABLE twice, then OK`
      When `<route>` is requested
      Then the answer is 200
      And the user service got 3 calls

      Examples:
        | route                        |
        | GET /api/v1/users            |
        | GET /api/v1/users/{Ada's id} |

    Scenario Outline: With RETRY_MAX_ATTEMPTS <attempts> there are <tries> tries in all
      Given a deployment of its own with
        | setting              | value      |
        | RETRY_MAX_ATTEMPTS   | <attempts> |
        | RETRY_BASE_DELAY     | 1ms        |
        | BREAKER_MAX_FAILURES | 1000       |
      And the user service answers `UNAVAILABLE "try later" for every call`
      When `GET /api/v1/users/x` is requested
      Then the answer is 503 with the error `service unavailable`
      And the user service got <tries> calls

      Examples:
        | attempts | tries |
        | 1        | 1     |
        | 2        | 2     |
        | 5        | 5     |
        | (unset)  | 3     |
        | (empty)  | 3     |

    Scenario Outline: `<route>` is not tried again
      Given a deployment of its own
      And the user service answers `UNAVAILABLE, then OK`
      When `<route>` is sent with `<body>`
      Then the answer is 503 with the error `service unavailable`
      And the user service got 1 call

      Examples:
        | route                  | body                                |
        | POST /api/v1/users     | {"email": "a@b.com", "name": "Ada"} |
        | PUT /api/v1/users/x    | {"name": "Ada"}                     |
        | DELETE /api/v1/users/x |                                     |

    Scenario: A call that was received is not tried again when its connection breaks
      Given a deployment of its own with
        | setting              | value |
        | BREAKER_MAX_FAILURES | 1000  |
      And requests have succeeded
      Then each of these answers is given once
        | answer                                          |
        | a closed connection                             |
        | a connection closed after the headers           |
        | a connection closed in the middle of the answer |
        | a stream reset with INTERNAL_ERROR              |
        | a stream reset with CANCEL                      |

    Scenario Outline: A GET that ends with <code> is not tried again
      Given a deployment of its own with
        | setting          | value |
        | RETRY_BASE_DELAY | 1ms   |
      And the user service answers `<code>, then OK`
      When `GET /api/v1/users/x` is requested
      Then the user service got 1 call

      Examples:
        | code                |
        | INVALID_ARGUMENT    |
        | NOT_FOUND           |
        | ALREADY_EXISTS      |
        | PERMISSION_DENIED   |
        | RESOURCE_EXHAUSTED  |
        | FAILED_PRECONDITION |
        | ABORTED             |
        | OUT_OF_RANGE        |
        | UNIMPLEMENTED       |
        | INTERNAL            |
        | UNKNOWN             |
        | DATA_LOSS           |
        | UNAUTHENTICATED     |
        | DEADLINE_EXCEEDED   |
        | CANCELLED           |

    Scenario: Each pause is twice as long as the one before, give or take a half
      Given a deployment of its own with
        | setting              | value |
        | RETRY_MAX_ATTEMPTS   | 5     |
        | RETRY_BASE_DELAY     | 100ms |
        | BREAKER_MAX_FAILURES | 1000  |
      And the user service answers `UNAVAILABLE for every call`
      When `GET /api/v1/users/x` is requested 24 times at once
      Then the pauses between attempts are 50 to 150 ms, 100 to 300 ms, 200 to 600 ms, 400 to 1200 ms
      And the shortest of each are at most 100 ms, 200 ms, 400 ms, 800 ms

    Scenario: Without a RETRY_BASE_DELAY the first pause is 25 to 75 ms
      Given a deployment of its own with
        | setting              | value   |
        | RETRY_MAX_ATTEMPTS   | 3       |
        | RETRY_BASE_DELAY     | (unset) |
        | BREAKER_MAX_FAILURES | 1000    |
      And the user service answers `UNAVAILABLE for every call`
      When `GET /api/v1/users/x` is requested 24 times at once
      Then the pauses between attempts are 25 to 75 ms, 50 to 150 ms
      And the shortest of each are at most 50 ms, 100 ms

    Scenario: Pauses are random
      Given a deployment of its own with
        | setting              | value |
        | RETRY_MAX_ATTEMPTS   | 2     |
        | RETRY_BASE_DELAY     | 400ms |
        | BREAKER_MAX_FAILURES | 1000  |
      And the user service answers `UNAVAILABLE for every call`
      When `GET /api/v1/users/x` is requested 24 times at once
      Then the pauses between attempts are 200 to 600 ms
      And the shortest of them is at most 400 ms, and the longest 100 ms longer

    Scenario: Where the next pause does not fit, the request ends
      Given a deployment of its own with
        | setting              | value  |
        | REQUEST_TIMEOUT      | 500ms  |
        | RETRY_MAX_ATTEMPTS   | 5      |
        | RETRY_BASE_DELAY     | 2500ms |
        | BREAKER_MAX_FAILURES | 1000   |
      And the user service answers `UNAVAILABLE for every call`
      When `GET /api/v1/users/x` is requested
      Then the answer is that of an unavailable service or of a time-out
      And every answer came within 500 ms
      And every call ends within 1 s of that, and no other follows for 3 s
      And the user service got 1 call

    Scenario: A GET is tried again until the user service can be reached
      Given a deployment of its own with
        | setting              | value |
        | RETRY_MAX_ATTEMPTS   | 5     |
        | RETRY_BASE_DELAY     | 500ms |
        | BREAKER_MAX_FAILURES | 1000  |
      And requests have succeeded
      And the user service is cut
      When `GET /api/v1/users` is requested, and the user service is restored after 200 ms
      Then the answer is 200

    @property
    Scenario: Any answers of the user service make the tries that the clause says
      Given a deployment of its own with
        | setting              | value |
        | RETRY_MAX_ATTEMPTS   | 4     |
        | RETRY_BASE_DELAY     | 1ms   |
        | BREAKER_MAX_FAILURES | 1000  |
      Then any script of the user service leads to as many attempts of a GET as in the model
