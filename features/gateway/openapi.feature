@gateway @cap:openapi
Feature: OpenAPI

  Rule: GWY-9 The gateway describes itself
    [cap: openapi] `GET /openapi.json` is a valid OpenAPI 3.1 description that lists every route under
    `/api/v1`, and every answer the gateway gives on these routes conforms to it.

    Scenario: The description is valid OpenAPI 3.1
      When `GET /openapi.json` is requested
      Then the answer is 200
      And the answer is a valid OpenAPI 3.1 description

    Scenario: The description lists every route
      When `GET /openapi.json` is requested
      Then the description lists each of these routes
        | route              | methods          |
        | /api/v1/users      | GET, POST        |
        | /api/v1/users/{id} | GET, PUT, DELETE |

    Scenario: Answers of every route conform to the description
      Given a deployment of its own
      And a user "Ada"
      Then each of these conforms to the description
        | request                         | body                                                        | status |
        | GET /api/v1/users               |                                                             | 200    |
        | GET /api/v1/users?page_size=1   |                                                             | 200    |
        | POST /api/v1/users              | {"email": "b@b.com", "name": "Bea", "metadata": {"a": "b"}} | 201    |
        | GET /api/v1/users/{Ada's id}    |                                                             | 200    |
        | PUT /api/v1/users/{Ada's id}    | {"status": "USER_STATUS_SUSPENDED"}                         | 200    |
        | DELETE /api/v1/users/{Ada's id} |                                                             | 204    |
        | GET /api/v1/users/{Ada's id}    |                                                             | 404    |
        | GET /api/v1/users?page_size=x   |                                                             | 400    |
        | GET /api/v1/users?filter=x      |                                                             | 400    |
        | POST /api/v1/users              | {"email": "B@b.com", "name": "Bea"}                         | 409    |
        | POST /api/v1/users              | {                                                           | 400    |
        | PUT /api/v1/users/x             | {"status": "banana"}                                        | 400    |
        | PUT /api/v1/users/x             | {"name": 1}                                                 | 400    |

    Scenario Outline: The answer to <code> conforms to the description on every route
      Given a deployment of its own with
        | setting              | value |
        | BREAKER_MAX_FAILURES | 1000  |
      And the user service answers `<code> for every call`
      When every route is requested
      Then every answer conforms to the description

      Examples:
        | code                |
        | INVALID_ARGUMENT    |
        | OUT_OF_RANGE        |
        | UNAUTHENTICATED     |
        | PERMISSION_DENIED   |
        | NOT_FOUND           |
        | ALREADY_EXISTS      |
        | ABORTED             |
        | FAILED_PRECONDITION |
        | RESOURCE_EXHAUSTED  |
        | CANCELLED           |
        | INTERNAL            |
        | UNKNOWN             |
        | DATA_LOSS           |
        | UNIMPLEMENTED       |
        | UNAVAILABLE         |
        | DEADLINE_EXCEEDED   |

    Scenario: The answers of an open breaker, of a time-out and of a body that is too long conform too
      Given a deployment of its own with
        | setting              | value |
        | REQUEST_TIMEOUT      | 2s    |
        | BREAKER_MAX_FAILURES | 1     |
      When a body of 1048577 bytes is sent to `POST /api/v1/users` with its length
      And the user service never answers, and every route is requested
      Then every answer conforms to the description
