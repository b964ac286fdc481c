Feature: Names, attributes and statuses of spans

  Rule: TRC-4 Spans have names and attributes by the conventions
    Span names: `GET /api/v1/users/{id}` (method and route), `user.v1.UserService/GetUser`;
    attributes by the OpenTelemetry semantic conventions, `http.request.method`,
    `http.response.status_code`, `http.route`, `rpc.system.name` = `grpc`, `rpc.method` (fully
    qualified, or beside `rpc.service`), `db.system.name` = `postgresql`, or their older names
    (`http.method`, `http.status_code`, `rpc.system`, `db.system`).

    @user-service @gateway
    Scenario Outline: The server span of <call> has the name and the attributes of the call
      Given a user "Ada"
      When <call> is called with a traceparent
      Then its server span has the name and the attributes of the call

      Examples:
        | call       |
        | CreateUser |
        | GetUser    |
        | ListUsers  |
        | UpdateUser |
        | DeleteUser |

    @user-service @gateway
    Scenario: The server span of a call for an unknown user has the name and the attributes of the call
      When GetUser is called with a traceparent
      Then its server span has the name and the attributes of the call

    @gateway
    Scenario: The client span of each call to the user service has the name and the attributes of the call
      Given a deployment of its own
      And a user "Ada"
      When every unary call is made with a traceparent
      Then its client span has the name and the attributes of the call

    @user-service
    Scenario: Each call has a client span of the database
      Given a user "Ada"
      When every unary call is made with a traceparent
      Then a client span of each call is one of the database

  Rule: TRC-5 The server span of a failure of the server has status Error
    A 5xx, INTERNAL, UNKNOWN, UNAVAILABLE or DEADLINE_EXCEEDED sets the server span's status to Error; a
    client's mistake does not (client spans are free).

    @gateway
    Scenario Outline: A gateway's server span has status Error if the user service answers <code>
      Given a deployment of its own
      And the user service answers `<code>`
      When DeleteUser is called with a traceparent
      Then the call fails with <answer>, and the status of its server span is Error

      Examples:
        | code              | answer            |
        | INTERNAL          | INTERNAL          |
        | UNKNOWN           | INTERNAL          |
        | DATA_LOSS         | INTERNAL          |
        | UNIMPLEMENTED     | UNIMPLEMENTED     |
        | UNAVAILABLE       | UNAVAILABLE       |
        | DEADLINE_EXCEEDED | DEADLINE_EXCEEDED |

    @gateway
    Scenario Outline: A gateway's server span has no status Error if the user service answers <code>
      Given a deployment of its own
      And the user service answers `<code>`
      When DeleteUser is called with a traceparent
      Then the call ends with <answer>, and the status of its server span is not Error

      Examples:
        | code                | answer              |
        | INVALID_ARGUMENT    | INVALID_ARGUMENT    |
        | UNAUTHENTICATED     | UNAUTHENTICATED     |
        | PERMISSION_DENIED   | PERMISSION_DENIED   |
        | ALREADY_EXISTS      | ALREADY_EXISTS      |
        | FAILED_PRECONDITION | FAILED_PRECONDITION |
        | RESOURCE_EXHAUSTED  | RESOURCE_EXHAUSTED  |

    @user-service
    Scenario: An internal error of the user service sets status Error
      Given a deployment of its own
      And the database refuses every write by a trigger
      When CreateUser is called with a traceparent
      Then the call fails with INTERNAL, and the status of its server span is Error

    @user-service @gateway
    Scenario: A resource that is away sets status Error
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And the required resource is cut
      When ListUsers is called with a traceparent
      Then the call fails with UNAVAILABLE, and the status of its server span is Error

    @user-service @gateway
    Scenario Outline: <call> that ends with <answer> does not set status Error
      Given a user "Ada"
      When <call> is called with a traceparent
      Then the call ends with <answer>, and the status of its server span is not Error

      Examples:
        | call                               | answer           |
        | GetUser                            | OK               |
        | CreateUser without an email        | INVALID_ARGUMENT |
        | CreateUser with the email of "Ada" | ALREADY_EXISTS   |

    @user-service @gateway
    Scenario Outline: <call> of an unknown user does not set status Error
      When <call> is called with a traceparent
      Then the call ends with NOT_FOUND, and the status of its server span is not Error

      Examples:
        | call       |
        | GetUser    |
        | UpdateUser |
        | DeleteUser |
