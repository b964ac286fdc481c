@user-service
Feature: gRPC calls

  Rule: GRP-3 Calls have a deadline, messages a limit, and what is no call does no harm
    A call past its deadline ends for its client with DEADLINE_EXCEEDED at most 1 s later (a status
    or a reset stream), and the statements of its calls (waiting for a lock or running) are gone
    from the database at most `REQUEST_TIMEOUT` + 1 s after they began. A request message over
    4,194,304 bytes fails with RESOURCE_EXHAUSTED or OUT_OF_RANGE and the connection stays usable.
    An unknown method is UNIMPLEMENTED. Bytes that are no valid message, or no UTF-8 in a string,
    get any error, and the program goes on.

    Scenario Outline: With the deadline <deadline> calls that wait for the database end in time
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 20s   |
      And a user "Ada"
      And the database is hung
      When every unary call is made with the deadline `<deadline>`
      Then every call ends with DEADLINE_EXCEEDED or a reset stream, at most 1 s after <time>
      And the same connection goes on

      Examples:
        | deadline | time    |
        | 1S       | 1 s     |
        | 500m     | 500 ms  |
        | 1500000u | 1500 ms |

    Scenario Outline: With the deadline <deadline> calls that are quick succeed
      Given a deployment of its own
      And a user "Ada"
      When every unary call is made in turn, with the deadline `<deadline>`
      Then every call succeeds in its time

      Examples:
        | deadline |
        | 1H       |
        | 1M       |
        | 30S      |

    Scenario: A stream that has begun ends at its deadline
      When a Watch is opened with the deadline `2S`
      Then the Watch ends at most 1 s after 2 s

    Scenario: A stream of users ends at its deadline
      When a stream of users is opened with the deadline `2S`
      Then every call ends with DEADLINE_EXCEEDED or a reset stream, at most 1 s after 2 s

    Scenario Outline: Past its deadline no call has a statement in the database when <what>
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 1s    |
      And a user "Ada"
      And <what>
      When every unary call is made with the deadline `500m`
      Then the statements of these calls are gone from the database within 2 s

      Examples:
        | what                       |
        | every table is locked      |
        | every statement takes 30 s |

    Scenario: A request of 4194304 bytes is taken
      When a request of 4194304 bytes is sent
      Then it is answered with NOT_FOUND

    Scenario Outline: A request of <bytes> bytes is refused, and its connection goes on
      When a request of <bytes> bytes is sent
      Then it fails with RESOURCE_EXHAUSTED or OUT_OF_RANGE
      And the same connection still answers

      Examples:
        | bytes    |
        | 4194305  |
        | 16777216 |

    Scenario Outline: The unknown method <path> is UNIMPLEMENTED
      When `<path>` is called
      Then it fails with UNIMPLEMENTED
      And the same connection still answers

      Examples:
        | path                          |
        | /user.v1.UserService/Unknown  |
        | /user.v1.UserService/FindUser |
        | /user.v1.UserServices/GetUser |

    Scenario Outline: With <bytes> for a message every call fails, and the program goes on
      When <bytes> is sent to every unary method
      Then every call fails in some way
      And the program still answers

      Examples:
        | bytes                      |
        | a field that ends too soon |
        | a number that does not end |
        | a type that does not exist |

    Scenario: With bytes that are no UTF-8 every call fails, and the program goes on
      Given a user "Ada"
      When bytes that are no UTF-8 are sent in every string
      Then every call fails in some way
      And the program still answers
      And "Ada" is still there, unchanged
