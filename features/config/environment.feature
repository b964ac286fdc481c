Feature: Settings

  A program gets everything that it must know from its environment. In the tables `(unset)` leaves a
  variable out and `(empty)` passes it without a value.

  Rule: CFG-1 Settings come from the environment, or from their defaults
    Every setting comes from the environment; an unset variable takes its default. An empty value
    counts as unset.

    Scenario Outline: A <variable> that is <given> means port <port>
      Given a prepared deployment with
        | setting    | value   |
        | <variable> | <given> |
      And port <port> is taken
      When the program is started
      Then the program stops within 5 s, with an exit status other than 0
      And a line at level ERROR names <port>

      @user-service @gateway
      Examples:
        | variable     | given   | port |
        | PORT         | (unset) | 8080 |
        | PORT         | (empty) | 8080 |
        | METRICS_PORT | (unset) | 9090 |
        | METRICS_PORT | (empty) | 9090 |

      @user-service
      Examples:
        | variable  | given   | port  |
        | GRPC_PORT | (unset) | 50051 |
        | GRPC_PORT | (empty) | 50051 |

    @user-service
    Scenario Outline: A DATABASE_URL that is <given> means `mydb` at localhost
      Given a prepared deployment with
        | setting      | value   |
        | DATABASE_URL | <given> |
      When the program is started in a network of its own
      Then it connects to port 5432 of localhost for the database `mydb`

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service
    Scenario Outline: A REDIS_URL that is <given> means port 6379 of localhost
      Given a prepared deployment with
        | setting   | value   |
        | REDIS_URL | <given> |
      When the program is started in a network of its own
      Then it connects to port 6379 of localhost by Redis's protocol

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @gateway
    Scenario Outline: A USER_SERVICE_ADDR that is <given> means port 50051 of localhost
      Given a prepared deployment with
        | setting           | value   |
        | USER_SERVICE_ADDR | <given> |
      When the program is started in a network of its own
      Then it connects to port 50051 of localhost by HTTP/2

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service
    Scenario: A program whose every other variable is empty is ready and serves
      Given a prepared deployment with
        | setting                       | value   |
        | DATABASE_MAX_CONNECTIONS      | (empty) |
        | LOG_LEVEL                     | (empty) |
        | LOG_FORMAT                    | (empty) |
        | SERVICE_NAME                  | (empty) |
        | SERVICE_VERSION               | (empty) |
        | ENVIRONMENT                   | (empty) |
        | OTEL_EXPORTER_OTLP_ENDPOINT   | (empty) |
        | OTEL_TRACES_SAMPLER_ARG       | (empty) |
        | OTEL_BSP_SCHEDULE_DELAY       | (empty) |
        | HEALTH_CACHE_TTL              | (empty) |
        | HEALTH_CHECK_TIMEOUT          | (empty) |
        | HEALTH_OPTIONAL               | (empty) |
        | SHUTDOWN_TIMEOUT              | (empty) |
        | REQUEST_TIMEOUT               | (empty) |
        | TLS_CERT_FILE                 | (empty) |
        | TLS_KEY_FILE                  | (empty) |
        | TLS_CLIENT_CA_FILE            | (empty) |
        | FEATURE_FLAGS                 | (empty) |
        | GRPC_MAX_CONNECTION_IDLE      | (empty) |
        | GRPC_MAX_CONNECTION_AGE       | (empty) |
        | GRPC_MAX_CONNECTION_AGE_GRACE | (empty) |
        | GRPC_KEEPALIVE_TIME           | (empty) |
        | GRPC_KEEPALIVE_TIMEOUT        | (empty) |
        | GRPC_KEEPALIVE_MIN_TIME       | (empty) |
      When the program is started
      Then the program is ready within 10 s
      And requests succeed

    @every-component @slow
    Scenario Outline: With a HEALTH_CACHE_TTL that is <given> a health answer is kept for 5 s
      Given a deployment of its own with
        | setting          | value   |
        | HEALTH_CACHE_TTL | <given> |
      When 2 clients keep requesting its health for 9 s
      Then calls within any 4 s saw at most 2 timestamps
      And no answer was older than 6 s

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @every-component @slow
    Scenario Outline: With a HEALTH_CHECK_TIMEOUT that is <given> a check is given up after 5 s
      Given a deployment of its own with
        | setting              | value   |
        | HEALTH_CHECK_TIMEOUT | <given> |
      When the required resource is hung
      Then the program is unhealthy within 5500 ms

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @every-component
    Scenario Outline: With a HEALTH_CHECK_TIMEOUT that is <given> a check that hangs for 3 s is waited for
      Given a deployment of its own with
        | setting              | value   |
        | HEALTH_CHECK_TIMEOUT | <given> |
        | REQUEST_TIMEOUT      | 10s     |
      And the program has become healthy
      When the required resource is hung for 3 s, while its health is requested
      Then every health answer was healthy

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service
    Scenario: With an empty HEALTH_OPTIONAL the optional component is the same as without one
      Given a deployment of its own with
        | setting         | value   |
        | HEALTH_OPTIONAL | (empty) |
      When the optional resource is cut
      Then the program is degraded within 1500 ms

    @gateway
    Scenario: A gateway whose every other variable is empty is ready and serves
      Given a prepared deployment with
        | setting                       | value   |
        | USER_SERVICE_KEEPALIVE_TIME   | (empty) |
        | LOG_LEVEL                     | (empty) |
        | LOG_FORMAT                    | (empty) |
        | SERVICE_NAME                  | (empty) |
        | SERVICE_VERSION               | (empty) |
        | ENVIRONMENT                   | (empty) |
        | OTEL_EXPORTER_OTLP_ENDPOINT   | (empty) |
        | OTEL_TRACES_SAMPLER_ARG       | (empty) |
        | OTEL_BSP_SCHEDULE_DELAY       | (empty) |
        | HEALTH_CACHE_TTL              | (empty) |
        | HEALTH_CHECK_TIMEOUT          | (empty) |
        | HEALTH_OPTIONAL               | (empty) |
        | SHUTDOWN_TIMEOUT              | (empty) |
        | REQUEST_TIMEOUT               | (empty) |
        | RETRY_MAX_ATTEMPTS            | (empty) |
        | RETRY_BASE_DELAY              | (empty) |
        | BREAKER_MAX_FAILURES          | (empty) |
        | BREAKER_RESET_TIMEOUT         | (empty) |
        | TLS_CERT_FILE                 | (empty) |
        | TLS_KEY_FILE                  | (empty) |
        | USER_SERVICE_CA_FILE          | (empty) |
        | USER_SERVICE_CLIENT_CERT_FILE | (empty) |
        | USER_SERVICE_CLIENT_KEY_FILE  | (empty) |
        | AUTH_JWKS_URL                 | (empty) |
        | AUTH_ISSUER                   | (empty) |
        | AUTH_AUDIENCE                 | (empty) |
        | AUTH_JWKS_TTL                 | (empty) |
        | FEATURE_FLAGS                 | (empty) |
      When the program is started
      Then the program is ready within 10 s
      And requests succeed

    @gateway @slow
    Scenario Outline: With a REQUEST_TIMEOUT that is <given> a request waits 10 s for the user service
      Given a deployment of its own with
        | setting         | value   |
        | REQUEST_TIMEOUT | <given> |
      And the user service answers `no answer`
      When `DELETE /api/v1/users/x` is requested
      Then the answer is 504 with the error `upstream timeout`
      And the answer came after 9 s to 11 s

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @gateway
    Scenario Outline: With a RETRY_MAX_ATTEMPTS that is <given> a request is tried 3 times
      Given a deployment of its own with
        | setting            | value   |
        | RETRY_MAX_ATTEMPTS | <given> |
      And the user service answers `UNAVAILABLE 4 times, then OK`
      When `GET /api/v1/users` is requested
      Then the answer is 503 with the error `service unavailable`
      And 3 calls came with the request id of the answer

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service @slow
    Scenario Outline: With a REQUEST_TIMEOUT that is <given> a call waits 5 s for the database
      Given a deployment of its own with
        | setting         | value   |
        | REQUEST_TIMEOUT | <given> |
      And a user "Ada"
      And the database is hung
      When "Ada" is read
      Then the call fails with UNAVAILABLE
      And every call ends within 6 s

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service
    Scenario Outline: With a REQUEST_TIMEOUT that is <given> a call of 3 s is waited for
      Given a deployment of its own with
        | setting         | value   |
        | REQUEST_TIMEOUT | <given> |
      And a request that takes 3 s is in flight
      Then the request in flight succeeds

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service
    Scenario: With an empty DATABASE_MAX_CONNECTIONS 10 connections are the most, and 2 to spare
      Given a deployment of its own with
        | setting                  | value   |
        | DATABASE_MAX_CONNECTIONS | (empty) |
      And 40 users named "Grace"
      When 60 unary calls are made at once
      Then every call succeeds
      And the database never had more than 12 connections of the service

    @user-service @gateway
    Scenario Outline: With LOG_LEVEL and LOG_FORMAT that are <given> the log is JSON from INFO upwards
      Given a deployment of its own with
        | setting    | value   |
        | LOG_LEVEL  | <given> |
        | LOG_FORMAT | <given> |
      When a request is made
      Then a line at level INFO has the id of the request
      And standard output holds events in json, and nothing else
      And no event is below INFO

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @every-component
    Scenario Outline: With a SERVICE_VERSION that is <given> the program still has a version
      Given a deployment of its own with
        | setting         | value   |
        | SERVICE_VERSION | <given> |
      When /health is requested
      Then the answer's version is not empty

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service @gateway @slow
    Scenario Outline: With a SHUTDOWN_TIMEOUT that is <given> a request has more than 12 s to end
      Given a deployment of its own with
        | setting          | value   |
        | SHUTDOWN_TIMEOUT | <given> |
        | REQUEST_TIMEOUT  | 30s     |
      And a request that takes 12 s is in flight
      When the program receives SIGTERM
      Then the request in flight succeeds

      Examples:
        | given   |
        | (unset) |
        | (empty) |

    @user-service @gateway @slow
    Scenario Outline: A time may be given as <value>
      Given a deployment of its own with
        | setting              | value   |
        | HEALTH_CACHE_TTL     | <value> |
        | HEALTH_CHECK_TIMEOUT | <value> |
        | SHUTDOWN_TIMEOUT     | <value> |
        | REQUEST_TIMEOUT      | <value> |
      When 4 clients keep requesting its health for 4500 ms
      Then calls within any 4500 ms saw at most 2 timestamps
      And requests succeed

      Examples:
        | value |
        | 2m    |
        | 1h    |
