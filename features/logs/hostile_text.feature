Feature: Hostile text in the log

  Hostile text is, one after the other: line ends of every kind followed by a complete event of the
  client's own making, quotes and braces that would close a value and begin a member, backslashes at
  the end, control characters, terminal escapes, code points that cannot be seen, and text of 1 KiB.
  Where a place cannot carry a character, it carries its escape (`%0A`) instead.

  Rule: LOG-5 A client cannot write the log
    Whatever a client or an upstream sends (newlines, quotes, control characters, bytes that are no
    UTF-8, bodies that a parser quotes in its message), a log line stays one parseable line of
    UTF-8.

    Scenario Outline: Hostile text in <place> stays within its line
      When hostile text is sent in <place>
      Then every line on standard output is still an event
      And no client has forged an event or a field
      And requests succeed

      @user-service @gateway
      Examples:
        | place                     |
        | an email                  |
        | a name                    |
        | a password                |
        | a metadata key            |
        | a metadata value          |
        | an id                     |
        | a filter                  |
        | an order_by               |
        | a page_token              |
        | the request id            |
        | the user agent            |
        | an unknown header         |
        | a traceparent             |
        | the path of a probe       |
        | the query of a probe      |
        | the HTTP method           |
        | bytes that are no request |
        | bytes that are no UTF-8   |

      @user-service
      Examples:
        | place                |
        | the name of a method |

      @gateway
      Examples:
        | place                      |
        | the path of a route        |
        | the query of a route       |
        | a body that is no JSON     |
        | a member of the wrong type |

    @gateway
    Scenario Outline: With hostile text in <place> every log line is still one event
      Given a deployment of its own
      When hostile text is sent in <place>
      Then every line on standard output is still an event
      And no client has forged an event or a field
      And requests succeed

      Examples:
        | place                              |
        | a message of the user service      |
        | a user that the user service sends |

    @user-service @gateway @slow
    Scenario Outline: In <format> at level <level> hostile text stays within its line, wherever it is sent
      Given a deployment of its own with
        | setting    | value    |
        | LOG_FORMAT | <format> |
        | LOG_LEVEL  | <level>  |
      When hostile text is sent in every place
      Then every line on standard output is still an event
      And no client has forged an event or a field
      And requests succeed

      Examples:
        | format | level |
        | json   | debug |
        | text   | info  |
        | text   | debug |
