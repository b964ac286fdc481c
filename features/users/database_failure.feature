@user-service
Feature: When the database fails

  Where `REQUEST_TIMEOUT` is 2 s an answer comes within 3 s. After an outage of at most 3 s
  service resumes within `HEALTH_CACHE_TTL` + `HEALTH_CHECK_TIMEOUT` + 5 s, 6.5 s with the settings below.

  Rule: USR-18 A failing database gives INTERNAL or UNAVAILABLE, and no details
    What the database refuses for reasons of its own gives INTERNAL with exactly `internal error`;
    details stay in the log (a server that is read-only, starts up, shuts down, refuses a connection
    or has a statement cancelled by its administrator may give UNAVAILABLE as well; a statement that
    waits for a lock beyond its time is a hanging database). An unreachable or hanging database
    gives UNAVAILABLE within `REQUEST_TIMEOUT` + 1 s, and service resumes without a restart (bound
    as HLT-7).

    Scenario Outline: What the database refuses by <means> is an internal error
      Given a deployment of its own
      And 3 users named "Grace"
      And the database refuses every write by <means>
      When <calls> are called with valid arguments
      Then every call fails with INTERNAL and message "internal error"
      And no answer holds the database's words, but the log does

      Examples:
        | means               | calls                                 |
        | a trigger           | CreateUser, UpdateUser and DeleteUser |
        | a constraint        | CreateUser and UpdateUser             |
        | a trigger at commit | CreateUser, UpdateUser and DeleteUser |

    Scenario: A read that the database refuses is an internal error
      Given a deployment of its own
      And 3 users named "Grace"
      And the database refuses every read
      When GetUser and ListUsers are called with valid arguments
      Then every call fails with INTERNAL and message "internal error"
      And no answer holds the database's words, but the log does

    Scenario: A refused write leaves the service working
      Given a deployment of its own
      And 3 users named "Grace"
      And the database refuses every write by a trigger
      And CreateUser, UpdateUser and DeleteUser were called with valid arguments
      When the refusal is lifted
      Then every user named "Grace" is still there, unchanged
      And every unary call succeeds

    Scenario: An unreachable database makes every unary call UNAVAILABLE in time
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And 3 users named "Grace"
      And the database is cut
      When every unary call is made at once
      Then every call fails with UNAVAILABLE
      And every call ends within 3 s

    Scenario Outline: With <timeout> as REQUEST_TIMEOUT a hanging database makes every unary call UNAVAILABLE in time
      Given a deployment of its own with
        | setting         | value     |
        | REQUEST_TIMEOUT | <timeout> |
      And 3 users named "Grace"
      And the database is hung
      When every unary call is made at once
      Then every call fails with UNAVAILABLE
      And every call ends within <limit>

      Examples:
        | timeout | limit |
        | 1s      | 2 s   |
        | 2s      | 3 s   |

    Scenario: Calls that queue for a hanging database are UNAVAILABLE in time too
      Given a deployment of its own with
        | setting                  | value |
        | REQUEST_TIMEOUT          | 2s    |
        | DATABASE_MAX_CONNECTIONS | 2     |
      And 20 users named "Grace"
      And the database is hung
      When 30 unary calls are made at once
      Then every call fails with UNAVAILABLE
      And every call ends within 3 s

    Scenario: A database that goes away in the middle of calls makes them UNAVAILABLE
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And 3 users named "Grace"
      And the database is hung
      When every unary call is made at once, and the database is cut while they wait
      Then every call fails with UNAVAILABLE
      And every call ends within 3 s

    Scenario Outline: After the database was <away> service resumes without a restart
      Given a deployment of its own with
        | setting              | value |
        | REQUEST_TIMEOUT      | 2s    |
        | HEALTH_CACHE_TTL     | 500ms |
        | HEALTH_CHECK_TIMEOUT | 1s    |
      And 3 users named "Grace"
      And the database is <away>
      And every unary call was made
      When the database is restored
      Then every unary call succeeds again within 6500 ms

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario: After the database closed every connection service resumes without a restart
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CACHE_TTL     | 500ms |
        | HEALTH_CHECK_TIMEOUT | 1s    |
      And 20 users named "Grace"
      And 30 unary calls were made at once
      When the database closes every connection
      Then every unary call succeeds again within 6500 ms
