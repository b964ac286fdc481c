Feature: Sampling

  A share is checked on so many calls that a correct program fails with a probability of less than one in a
  thousand million.

  Rule: TRC-6 A share of the new traces is exported, whole, and an incoming decision is followed
    Sampling: the share `OTEL_TRACES_SAMPLER_ARG` of new traces is exported (0: none, 1: all), whole
    traces, never a part; an incoming decision is followed.

    @user-service @gateway
    Scenario Outline: With OTEL_TRACES_SAMPLER_ARG <share> such a share of the new traces is exported, whole
      Given a deployment of its own with a service name of its own, and
        | setting                 | value   |
        | OTEL_TRACES_SAMPLER_ARG | <share> |
      And ListUsers was called 1000 times without a traceparent
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And a share of <share> of the calls has left a trace, each of them complete

      Examples:
        | share |
        | 0.25  |
        | 0.6   |

    @user-service @gateway
    Scenario: With OTEL_TRACES_SAMPLER_ARG 0 no new trace is exported
      Given a deployment of its own with a service name of its own, and
        | setting                 | value |
        | OTEL_TRACES_SAMPLER_ARG | 0     |
      And ListUsers was called 50 times without a traceparent
      And ListUsers was called with a traceparent
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And exactly the calls with a sampled traceparent have left a trace, each of them complete

    @user-service @gateway
    Scenario Outline: With OTEL_TRACES_SAMPLER_ARG <share> every new trace is exported
      Given a deployment of its own with a service name of its own, and
        | setting                 | value   |
        | OTEL_TRACES_SAMPLER_ARG | <share> |
      When ListUsers is called 50 times without a traceparent
      Then each call has begun a trace of its own

      Examples:
        | share   |
        | 1       |
        | (unset) |

    @user-service @gateway
    Scenario Outline: With OTEL_TRACES_SAMPLER_ARG <share> the caller's decision is followed
      Given a deployment of its own with a service name of its own, and
        | setting                 | value   |
        | OTEL_TRACES_SAMPLER_ARG | <share> |
      And ListUsers was called 20 times with a traceparent
      And ListUsers was called 20 times with a traceparent that is not sampled
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And exactly the calls with a sampled traceparent have left a trace, each of them complete

      Examples:
        | share |
        | 0     |
        | 1     |

    @gateway
    Scenario: The gateway passes on its decision about a new trace
      Given a deployment of its own with a service name of its own, and
        | setting                 | value |
        | OTEL_TRACES_SAMPLER_ARG | 0.5   |
      And ListUsers was called 200 times without a traceparent
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And each call to the user service is sampled exactly if its trace was exported

    @gateway
    Scenario: The gateway passes on the decision of its caller
      Given a deployment of its own with a service name of its own
      And ListUsers was called 20 times with a traceparent
      And ListUsers was called 20 times with a traceparent that is not sampled
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And each call to the user service is sampled exactly if its trace was exported
