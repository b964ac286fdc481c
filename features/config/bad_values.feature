Feature: Values that make no sense

  A program with an invalid setting reports it and stops, instead of guessing.

  Rule: CFG-2 A value that cannot be parsed stops the program
    A value that cannot be parsed stops the program within 5 s, exit status not 0, and one log line
    at level ERROR names the variable. Only plain garbage is meant; forms that common parsers accept
    (`1.5s`, `+5`) are free, and for `OTEL_*` the SDK's own rule (warn, ignore) is as good. A host
    that does not resolve is no such value but a resource that is down (CFG-7). A setting that needs
    another (a certificate without its key) counts as such a value. An unknown `LOG_LEVEL` is not an
    error: it means info, exactly.

    Scenario Outline: A <variable> of `<value>` stops the program
      Given a prepared deployment with
        | setting    | value   |
        | <variable> | <value> |
      When the program is started
      Then the program stops within 5 s, with an exit status other than 0
      And a line at level ERROR names <variable>

      @user-service @gateway
      Examples:
        | variable             | value  |
        | PORT                 | banana |
        | METRICS_PORT         | banana |
        | LOG_FORMAT           | banana |
        | HEALTH_CACHE_TTL     | banana |
        | HEALTH_CHECK_TIMEOUT | banana |
        | SHUTDOWN_TIMEOUT     | banana |
        | REQUEST_TIMEOUT      | banana |

      @user-service
      Examples:
        | variable                 | value              |
        | GRPC_PORT                | banana             |
        | DATABASE_MAX_CONNECTIONS | banana             |
        | DATABASE_URL             | postgres://[banana |
        | REDIS_URL                | redis://[banana    |

      @user-service @cap:grpc-connection-limits
      Examples:
        | variable                      | value  |
        | GRPC_MAX_CONNECTION_IDLE      | banana |
        | GRPC_MAX_CONNECTION_AGE       | banana |
        | GRPC_MAX_CONNECTION_AGE_GRACE | banana |

      @user-service @cap:grpc-keepalive
      Examples:
        | variable                | value  |
        | GRPC_KEEPALIVE_TIME     | banana |
        | GRPC_KEEPALIVE_TIMEOUT  | banana |
        | GRPC_KEEPALIVE_MIN_TIME | banana |

      @user-service @cap:feature-flags
      Examples:
        | variable      | value               |
        | FEATURE_FLAGS | stream-users=banana |

      @gateway @cap:client-keepalive
      Examples:
        | variable                    | value  |
        | USER_SERVICE_KEEPALIVE_TIME | banana |

      @gateway
      Examples:
        | variable              | value          |
        | RETRY_MAX_ATTEMPTS    | banana         |
        | RETRY_BASE_DELAY      | banana         |
        | BREAKER_MAX_FAILURES  | banana         |
        | BREAKER_RESET_TIMEOUT | banana         |
        | USER_SERVICE_ADDR     | http://[banana |

    @every-component
    Scenario: A senseless value stops a program whose resources hang, too
      Given a prepared deployment with
        | setting              | value  |
        | HEALTH_CHECK_TIMEOUT | banana |
      And every resource is hung
      When the program is started
      Then the program stops within 5 s, with an exit status other than 0
      And a line at level ERROR names HEALTH_CHECK_TIMEOUT

    @every-component
    Scenario: An invalid value is logged even where only errors are logged
      Given a prepared deployment with
        | setting          | value  |
        | LOG_LEVEL        | error  |
        | SHUTDOWN_TIMEOUT | banana |
      When the program is started
      Then the program stops within 5 s, with an exit status other than 0
      And a line at level ERROR names SHUTDOWN_TIMEOUT

    @user-service @gateway
    Scenario: An unknown LOG_LEVEL means info
      Given a deployment of its own with
        | setting   | value  |
        | LOG_LEVEL | banana |
      When a request is made
      Then a line at level INFO has the id of the request
      And no event is below INFO
