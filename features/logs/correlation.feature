Feature: One request in two logs

  Tracing is on where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, even if no collector is there.

  Rule: LOG-4 A request is followed through both programs
    A gateway request and the RPC it causes share `request_id` and `trace_id` across both programs'
    logs.

    @gateway
    Scenario: A request and its call have the same request id
      When a request is made
      Then a line at level INFO has the id of the request
      And the log of the program that it calls has its request id too

    @user-service
    Scenario: A call is logged with the request id of its metadata
      Given a user "Ada"
      When each of these calls is made
        | method  | with         | code |
        | GetUser | valid values | OK   |
      Then each of these calls has one line in the log, with its fields, at the level of its status

    @user-service @gateway
    Scenario: The trace of a request is in the log
      Given a deployment of its own with
        | setting                     | value              |
        | OTEL_EXPORTER_OTLP_ENDPOINT | http://127.0.0.1:1 |
      When a request of a trace is made
      Then its line in the log has the id of the trace

    @gateway
    Scenario Outline: The trace in the log is that of the call, for a request <which>
      Given a deployment of its own with
        | setting                     | value              |
        | OTEL_EXPORTER_OTLP_ENDPOINT | http://127.0.0.1:1 |
      When a request <which> is made
      Then its line in the log has the trace id of its call

      Examples:
        | which           |
        | of a trace      |
        | without a trace |
