@gateway
Feature: Errors

  The breaker is kept out of the way: every scenario that makes calls fail allows for more failures
  than it makes.

  Background:
    Given a deployment of its own with
      | setting              | value |
      | BREAKER_MAX_FAILURES | 1000  |

  Rule: GWY-5 Every error has one shape, and the status that its code stands for
    Every error to a well-formed HTTP/1.1 request (request line within 4,000 bytes, with the headers
    within 8,000, valid percent escapes, a path that GWY-8 does not exempt), the router's own included,
    is `{"error": "message"}`, with the upstream's message (any text where that is empty) unless said
    otherwise: INVALID_ARGUMENT, OUT_OF_RANGE 400, UNAUTHENTICATED 401, PERMISSION_DENIED 403, NOT_FOUND
    404, ALREADY_EXISTS, ABORTED 409, FAILED_PRECONDITION 412, RESOURCE_EXHAUSTED 429, CANCELLED 499,
    INTERNAL, UNKNOWN, DATA_LOSS 500 `internal server error`, UNIMPLEMENTED 501, UNAVAILABLE 503
    `service unavailable`, DEADLINE_EXCEEDED 504 `upstream timeout`. No answer holds an internal address
    or a stack trace.

    Scenario Outline: <code> of the user service is <status> on every route
      Given the user service answers `<code> "Sent by the user service" for every call`
      When every route is requested
      Then every answer is <status> with the error `<error>`

      Examples:
        | code                | status | error                    |
        | INVALID_ARGUMENT    | 400    | Sent by the user service |
        | OUT_OF_RANGE        | 400    | Sent by the user service |
        | UNAUTHENTICATED     | 401    | Sent by the user service |
        | PERMISSION_DENIED   | 403    | Sent by the user service |
        | NOT_FOUND           | 404    | Sent by the user service |
        | ALREADY_EXISTS      | 409    | Sent by the user service |
        | ABORTED             | 409    | Sent by the user service |
        | FAILED_PRECONDITION | 412    | Sent by the user service |
        | RESOURCE_EXHAUSTED  | 429    | Sent by the user service |
        | CANCELLED           | 499    | Sent by the user service |
        | INTERNAL            | 500    | internal server error    |
        | UNKNOWN             | 500    | internal server error    |
        | DATA_LOSS           | 500    | internal server error    |
        | UNIMPLEMENTED       | 501    | Sent by the user service |
        | UNAVAILABLE         | 503    | service unavailable      |
        | DEADLINE_EXCEEDED   | 504    | upstream timeout         |

    Scenario Outline: With Accept <accept> every error is JSON
      Given a user "Ada"
      Then with `accept: <accept>` each of these is answered as listed
        | request                       | body                          | status |
        | GET /api/v1/users/absent      |                               | 404    |
        | GET /api/v1/nothing           |                               | 404    |
        | GET /                         |                               | 404    |
        | PATCH /api/v1/users           | {}                            | 405    |
        | POST /api/v1/users            | {                             | 400    |
        | POST /api/v1/users            | {"email": "a", "name": "Ada"} | 400    |
        | PUT /api/v1/users/{Ada's id}  | {"name": 5}                   | 400    |
        | PUT /api/v1/users/{Ada's id}  | {"status": "banana"}          | 400    |
        | GET /api/v1/users?page_size=x |                               | 400    |

      Examples:
        | accept                                                |
        | text/html                                             |
        | application/xml                                       |
        | text/html,application/xhtml+xml,application/xml;q=0.9 |
        | image/png, text/*                                     |

    Scenario: A message comes back as the user service wrote it
      Then each message of the user service is the error
        | message                                    |
        | no                                         |
        | "quoted", \\back\\slashed, {"braced": [1]} |
        | na{U+00EF}ve {U+1F600} {U+2028}            |
        | 100% of %41, %zz and 50%25                 |
        | <script>alert(1)</script> &amp;            |
        | {1000 x a}                                 |

    Scenario: A user service that cannot be reached is an unavailable service
      Given the user service is cut
      When `GET /api/v1/users/x` is requested
      Then the answer is 503 with the error `service unavailable`
      And no answer holds an address of the user service

    Scenario Outline: An internal message of <code> stays inside
      Given the user service answers `<code> "panic at 10.1.2.3:5432: /srv/app/store.go:17 goroutine 1 [running]" for every call`
      When every route is requested
      Then every answer is <status> with the error `<error>`
      And no answer holds `10.1.2.3`
      And no answer holds `goroutine`

      Examples:
        | code              | status | error                 |
        | INTERNAL          | 500    | internal server error |
        | UNKNOWN           | 500    | internal server error |
        | DATA_LOSS         | 500    | internal server error |
        | UNAVAILABLE       | 503    | service unavailable   |
        | DEADLINE_EXCEEDED | 504    | upstream timeout      |

    Scenario: An unknown code is an internal error
      Given the user service answers `code 99 "Sent by the user service" for every call`
      When every route is requested
      Then every answer is 500 with the error `internal server error`

    # What a client library calls an answer that it cannot read is its own affair: INTERNAL in most, CANCELLED
    # in some.
    Scenario: A message that is no protobuf is an error of the server
      Given the user service answers `a message that is no protobuf`
      When `PUT /api/v1/users/x` is sent with `{}`
      Then the answer is an error of the server
      And requests succeed

    Scenario: Two messages for one call do no harm
      Given the user service answers `two messages`
      When `PUT /api/v1/users/x` is sent with `{}`
      Then the answer is a user or an error of the server
      And requests succeed

    Scenario Outline: <what> of the user service does no harm
      Given the user service returns <what>
      When `PUT /api/v1/users/x` is sent with `{}`
      Then the answer is a user or an error of the server
      And requests succeed

      Examples:
        | what                     |
        | a name that is no UTF-8  |
        | a user without an id     |
        | an answer without a user |

    # What no user service may send has no right way to be shown.
    Scenario Outline: <what> of the user service is shown in some way, and does no harm
      Given the user service returns <what>
      When `PUT /api/v1/users/x` is sent with `{}`
      Then the answer shows some user, or is an error of the server
      And requests succeed

      Examples:
        | what                              |
        | a timestamp that is far too late  |
        | a timestamp of negative fractions |
        | a user of unknown status          |

    # 48 KiB are more than some client libraries take, and no more than the others announce: beyond what its
    # receiver announces a server sends nothing (RFC 9113, section 10.5.1).
    Scenario Outline: A status that comes as `<what>` does no harm
      Given the user service answers `<what>`
      When `PUT /api/v1/users/x` is sent with `{}`
      Then the answer is an error
      And requests succeed

      Examples:
        | what                                             |
        | NOT_FOUND                                        |
        | NOT_FOUND with a message of 49152 bytes          |
        | NOT_FOUND with the raw message "%zz and 100% %4" |
        | NOT_FOUND with the raw message "\\xff\\xfe\\x80" |
        | HTTP 502                                         |
        | HTTP 404                                         |
        | an answer of another content type                |
        | an answer without a status                       |
        | no message                                       |
        | a message shorter than its length                |
        | a stream reset with INTERNAL_ERROR               |
        | a connection closed after the headers            |

    Scenario Outline: With <what> the answer is an unavailable service or an internal error
      Given the user service answers `<what>`
      When `PUT /api/v1/users/x` is sent with `{}`
      Then the answer is that of an unavailable service or of an internal error
      And requests succeed

      Examples:
        | what                                            |
        | a closed connection                             |
        | a connection closed in the middle of the answer |

    @property
    Scenario: No request to a gateway with a healthy user service is an error of the server
      Then any request is answered below 500, in the shape of the contract and with its request id
