Feature: One trace through all programs

  Rule: TRC-3 A trace goes from the caller through the gateway and the user service to the database
    W3C `traceparent`, `tracestate` and `baggage` are taken in and passed on: a gateway request
    gives one trace: SERVER span in the gateway, CLIENT span below it, SERVER span in the user
    service below that, and below that at least one CLIENT span for its database call. Below means
    a descendant: spans between are free; `tracestate` and `baggage` may gain members and change
    order. With a valid `traceparent` in the request that is the root's parent; an invalid one
    (wrong length, not hexadecimal, an id of zeros, version ff) is ignored and a new trace begins.

    @user-service @gateway
    Scenario Outline: <call> with a traceparent gives one trace below the caller's span
      Given a user "Ada"
      When <call> is called with a traceparent
      Then its trace is complete

      Examples:
        | call       |
        | CreateUser |
        | GetUser    |
        | ListUsers  |
        | UpdateUser |
        | DeleteUser |

    @user-service @gateway
    Scenario: Without a traceparent each request begins a trace of its own
      Given a deployment of its own with a service name of its own
      When ListUsers is called 20 times without a traceparent
      Then each call has begun a trace of its own

    @user-service @gateway
    Scenario: An invalid traceparent is ignored, and a new trace begins
      Given a deployment of its own with a service name of its own
      When ListUsers is called with each of these traceparents
        | traceparent                                                |
        | banana                                                     |
        | 00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01     |
        | 00-4bf92f3577b34da6a3ce929d0e0e47361-00f067aa0ba902b7-01   |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01     |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7f-00   |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7       |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1     |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-ab |
        | 00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01    |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bz-00    |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz    |
        | 00-00000000000000000000000000000000-00f067aa0ba902b7-01    |
        | 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00    |
        | ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01    |
        | zz-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01    |
      Then every call is answered
      And each call has begun a trace of its own

    @gateway
    Scenario: A call to the user service continues the trace from a client span
      Given a deployment of its own
      When DeleteUser is called with a traceparent
      Then each call to the user service continues the trace from a client span of the gateway

    @gateway
    Scenario: Every try of a request continues the trace from a client span
      Given a deployment of its own
      And the user service answers `UNAVAILABLE twice, then OK`
      When GetUser is called with a traceparent
      Then each call to the user service continues the trace from a client span of the gateway

    @gateway
    Scenario: Every try of a request carries the tracestate and the baggage of the request
      Given a deployment of its own
      And the user service answers `UNAVAILABLE twice, then OK`
      When GetUser is called with a traceparent and with
        | header     | value                                        |
        | tracestate | congo=t61rcWkgMzE,rojo=00f067aa0ba902b7      |
        | baggage    | tenant=blue,region=eu-west-1,name=caf%C3%A9  |
      Then 3 calls to the user service carry every member of these headers
