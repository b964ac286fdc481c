Feature: Export of spans

  Spans are received by a collector of the suite's own. With the suite's settings a program exports every 100 ms.

  Rule: TRC-1 Spans reach the collector in time, and none is lost at a stop
    Spans go by OTLP/gRPC to `OTEL_EXPORTER_OTLP_ENDPOINT`, each at most `OTEL_BSP_SCHEDULE_DELAY` +
    5 s after its end, the rest at shutdown: of up to 2,000 spans none is lost on SIGTERM.

    @user-service @gateway
    Scenario Outline: With OTEL_BSP_SCHEDULE_DELAY <delay> the spans of a request arrive within <limit>
      Given a deployment of its own with
        | setting                 | value   |
        | OTEL_BSP_SCHEDULE_DELAY | <delay> |
      When ListUsers is called with a traceparent
      Then the trace of each call is complete within <limit>

      Examples:
        | delay   | limit   |
        | 500     | 5500 ms |
        | (unset) | 10 s    |

    @user-service @gateway
    Scenario: The spans of many requests arrive in time
      When ListUsers is called 400 times with a traceparent
      Then the trace of each call is complete within 5100 ms

    @user-service @gateway
    Scenario: Of up to 2,000 spans that wait for their export none is lost at SIGTERM
      Given a deployment of its own with
        | setting                 | value |
        | OTEL_BSP_SCHEDULE_DELAY | 60000 |
      And calls were made that leave close to 2,000 spans
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And no span of these calls is lost

    @user-service @gateway
    Scenario: Jaeger holds what was exported
      Given a deployment of its own whose collector forwards to Jaeger
      And a user "Ada"
      When every unary call is made with a traceparent
      Then Jaeger holds the spans of each trace that the collector holds

    @user-service @gateway
    Scenario: Jaeger lists the service and its operations
      Given a deployment of its own whose collector forwards to Jaeger
      And a user "Ada"
      When every unary call is made with a traceparent
      Then Jaeger lists the service and the operations of its spans

  Rule: TRC-2 Every span carries its program's name, version and environment
    The resource has `service.name`, `service.version`, `environment`.

    @user-service @gateway
    Scenario: The resource has what the settings say
      Given a deployment of its own with
        | setting         | value      |
        | SERVICE_NAME    | shop.users |
        | SERVICE_VERSION | 7.0.1-rc.2 |
        | ENVIRONMENT     | staging-eu |
      And a user "Ada"
      When every unary call is made with a traceparent
      Then the resource of each span has
        | attribute       | value      |
        | service.name    | shop.users |
        | service.version | 7.0.1-rc.2 |
        | environment     | staging-eu |

    Scenario Outline: Without settings the resource of <name> has the defaults
      Given a deployment of its own with
        | setting         | value   |
        | SERVICE_NAME    | (unset) |
        | SERVICE_VERSION | (unset) |
        | ENVIRONMENT     | (unset) |
      When ListUsers is called with a traceparent
      Then the resource of each span has
        | attribute       | value       |
        | service.name    | <name>      |
        | service.version | (any)       |
        | environment     | development |

      @user-service
      Examples:
        | name         |
        | user-service |

      @gateway
      Examples:
        | name    |
        | gateway |
