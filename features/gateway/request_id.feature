Feature: Request ids

  Rule: GWY-7 A request keeps its id all the way
    `X-Request-Id` is taken from the request if it is 1 to 128 visible ASCII characters, else made; it
    is on every response, in the log, and in the gRPC metadata (`x-request-id`) of upstream calls. The
    user service keeps the same rule for that metadata (whether it sends it back is free).

    @gateway
    Scenario: A valid id is kept on the response, in the log and in the call
      Given a deployment of its own
      Then each of these request ids is kept
        | id                               |
        | a                                |
        | 0af7651916cd43dd8448eb211c80319c |
        | Req-1.2_3:4/5                    |
        | !"#$%&'()*+,-./:;<=>?@[\\]^_`{}~ |
        | {128 x z}                        |

    @gateway
    Scenario: Any other id is replaced by a valid one
      Given a deployment of its own
      Then each of these request ids is replaced
        | id             |
        | (absent)       |
        | (empty)        |
        | two words      |
        | tab{U+0009}bed |
        | na{U+00EF}ve   |
        | {129 x z}      |
        | {4000 x z}     |

    @gateway
    Scenario: Requests without an id get an id each
      Given a deployment of its own
      When `GET /api/v1/users/x` is requested 50 times
      Then every answer has a request id of its own

    @gateway
    Scenario: Every kind of answer has its request id
      Given a deployment of its own
      And a user "Ada"
      Then each of these is answered as listed
        | request                         | body                                | status |
        | GET /api/v1/users               |                                     | 200    |
        | POST /api/v1/users              | {"email": "b@b.com", "name": "Bea"} | 201    |
        | PUT /api/v1/users/{Ada's id}    | {"name": "Eve"}                     | 200    |
        | DELETE /api/v1/users/{Ada's id} |                                     | 204    |
        | DELETE /api/v1/users/x          |                                     | 404    |
        | GET /api/v1/nothing             |                                     | 404    |
        | PATCH /api/v1/users             | {}                                  | 405    |
        | POST /api/v1/users              | {                                   | 400    |
        | GET /api/v1/users?page_size=x   |                                     | 400    |
        | PUT /api/v1/users/x             | {"status": "banana"}                | 400    |

    @gateway
    Scenario: The id is on the answer of an open breaker, of a time-out and of a body that is too long
      Given a deployment of its own with
        | setting              | value |
        | REQUEST_TIMEOUT      | 2s    |
        | BREAKER_MAX_FAILURES | 1     |
      When a body of 1048577 bytes is sent to `POST /api/v1/users` with its length
      Then the answer is 413 with its request id
      And the request `GET /api/v1/users/x` that the user service never answers is 504 with its request id
      And the request `GET /api/v1/users/x` is 503 with its request id

    @gateway
    Scenario: Every try of a request carries the same id
      Given a deployment of its own
      And the user service answers `UNAVAILABLE twice, then OK`
      When `GET /api/v1/users` is requested
      Then the answer is 200
      And 3 calls came with the request id of the answer

    @user-service
    Scenario: The user service keeps a valid id
      Then each of these request ids appears in the log
        | id                               |
        | a                                |
        | 0af7651916cd43dd8448eb211c80319c |
        | !"#$%&'()*+,-./:;<=>?@[\\]^_`{}~ |
        | {128 x z}                        |

    @user-service
    Scenario: The user service replaces any other id
      Given a deployment of its own
      Then none of these request ids appears in the log
        | id        |
        | two words |
        | {129 x z} |
