Feature: Log events

  An event is one line with a time in RFC 3339, a level (DEBUG, INFO, WARN, ERROR) and a message.

  Rule: LOG-1 Standard output holds one event a line, and nothing else
    `serve` writes one event a line on stdout, nothing else there. `LOG_FORMAT=json`: a JSON object
    with `time` (RFC 3339, the time of the event), `level` (DEBUG, INFO, WARN, ERROR), `msg`;
    `text`: the same as `key=value`, a value bare or in double quotes with backslash escapes.

    @user-service @gateway
    Scenario Outline: From start to stop every line is an event in <format>, at level <level>
      Given a deployment of its own with
        | setting         | value    |
        | LOG_FORMAT      | <format> |
        | LOG_LEVEL       | <level>  |
        | REQUEST_TIMEOUT | 2s       |
      And every unary call was made
      And every resource is cut
      And every unary call was made
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And standard output holds events in <format>, and nothing else

      Examples:
        | format | level |
        | json   | info  |
        | json   | debug |
        | text   | info  |
        | text   | debug |

    @user-service
    Scenario Outline: An internal error is logged as events in <format>
      Given a deployment of its own with
        | setting    | value    |
        | LOG_FORMAT | <format> |
      And a user "Ada"
      And the database refuses every write by a trigger
      When CreateUser is called with valid arguments
      Then the call fails with INTERNAL and message "internal error"
      And a line at level ERROR has the id of the request
      And standard output holds events in <format>, and nothing else

      Examples:
        | format |
        | json   |
        | text   |

    @user-service @gateway
    Scenario Outline: A program that stops at a senseless value says so in an event in <format>
      Given a prepared deployment with
        | setting    | value    |
        | LOG_FORMAT | <format> |
        | PORT       | banana   |
      When the program is started
      Then the program stops within 5 s, with an exit status other than 0
      And a line at level ERROR names PORT
      And standard output holds events in <format>, and nothing else

      Examples:
        | format |
        | json   |
        | text   |

    @gateway
    Scenario Outline: A failure of the user service is logged as events in <format>
      Given a deployment of its own with
        | setting    | value    |
        | LOG_FORMAT | <format> |
      And the user service answers `INTERNAL "out of disk"`
      When `DELETE /api/v1/users/x` is requested
      Then the answer is 500 with the error `internal server error`
      And a line at level ERROR has the id of the request
      And standard output holds events in <format>, and nothing else

      Examples:
        | format |
        | json   |
        | text   |

    @user-service @gateway
    Scenario Outline: A program that waits for its resources logs it as events in <format>
      Given a prepared deployment with
        | setting    | value    |
        | LOG_FORMAT | <format> |
      And every resource is cut
      And the program was started and stayed alive and not ready for 2 s
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And standard output holds events in <format>, and nothing else

      Examples:
        | format |
        | json   |
        | text   |

  Rule: LOG-2 Only events at or above LOG_LEVEL are written
    Only events at or above `LOG_LEVEL`; at debug each has `source`.

    @user-service @gateway
    Scenario Outline: With LOG_LEVEL <level> no event is below <lowest>
      Given a deployment of its own with
        | setting         | value   |
        | LOG_LEVEL       | <level> |
        | REQUEST_TIMEOUT | 2s      |
      And every unary call was made
      And every resource is cut
      And every unary call was made
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And no event is below <lowest>

      Examples:
        | level | lowest |
        | info  | INFO   |
        | warn  | WARN   |
        | error | ERROR  |

    @user-service @gateway
    Scenario Outline: With LOG_LEVEL <level> an event at INFO is written
      Given a deployment of its own with
        | setting   | value   |
        | LOG_LEVEL | <level> |
      When a request is made
      Then a line at level INFO has the id of the request

      Examples:
        | level |
        | debug |
        | info  |

    @user-service @gateway
    Scenario: With LOG_LEVEL warn an event at WARN is written
      Given a deployment of its own with
        | setting   | value |
        | LOG_LEVEL | warn  |
      And the required resource is cut
      When a request is made that fails with UNAVAILABLE
      Then a line at level WARN or ERROR has the id of the request

    @user-service
    Scenario Outline: With LOG_LEVEL <level> an event at ERROR is written
      Given a deployment of its own with
        | setting   | value   |
        | LOG_LEVEL | <level> |
      And the database refuses every write by a trigger
      When CreateUser is called with valid arguments
      Then the call fails with INTERNAL and message "internal error"
      And a line at level ERROR has the id of the request

      Examples:
        | level |
        | warn  |
        | error |

    @gateway
    Scenario Outline: With LOG_LEVEL <level> a gateway writes an event at ERROR
      Given a deployment of its own with
        | setting   | value   |
        | LOG_LEVEL | <level> |
      And the user service answers `INTERNAL`
      When `DELETE /api/v1/users/x` is requested
      Then the answer is 500 with the error `internal server error`
      And a line at level ERROR has the id of the request

      Examples:
        | level |
        | warn  |
        | error |

    @user-service @gateway
    Scenario Outline: With LOG_LEVEL debug every event in <format> has its source
      Given a deployment of its own with
        | setting    | value    |
        | LOG_LEVEL  | debug    |
        | LOG_FORMAT | <format> |
      And every unary call was made
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And every event has a source

      Examples:
        | format |
        | json   |
        | text   |
