Feature: Stopping

  A request that takes 12 s outlasts any allowance for a busy machine, so that what happens while it runs is
  not taken for what happens at its end.

  Rule: CFG-8 A program stops when it is told to, and leaves nothing undone
    Graceful stop: on SIGTERM or SIGINT the program within 1 s is not ready any more, whatever
    `HEALTH_CACHE_TTL` (`/ready` 503, or its port closed), takes no new work (a new request is
    refused by a closed connection or by 503, its body free; once one refusal has ended, no request
    that begins later is served), finishes what is in flight, sends what telemetry it holds, and
    exits 0 (143 or 130, as a JVM does, is as good), at the latest `SHUTDOWN_TIMEOUT` + 1 s after
    the signal even if requests are still running or a client does not read its answer.

    @every-component
    Scenario Outline: <signal> ends a program that has nothing to do
      Given a deployment of its own with
        | setting          | value |
        | SHUTDOWN_TIMEOUT | 2s    |
      When the program receives <signal>
      Then the program exits gracefully within 3 s

      Examples:
        | signal  |
        | SIGTERM |
        | SIGINT  |

    @user-service @gateway @slow
    Scenario Outline: From <signal> on the program is not ready, with <ttl> as HEALTH_CACHE_TTL and a request running
      Given a deployment of its own with
        | setting          | value |
        | HEALTH_CACHE_TTL | <ttl> |
        | SHUTDOWN_TIMEOUT | 20s   |
        | REQUEST_TIMEOUT  | 20s   |
      And a request that takes 12 s is in flight
      When the program receives <signal>
      Then the program is not ready any more
      And the program exits gracefully within 21 s

      Examples:
        | signal  | ttl   |
        | SIGTERM | 1m    |
        | SIGINT  | 500ms |

    @user-service @gateway
    Scenario Outline: A request in flight at <signal> is finished, and logged
      Given a deployment of its own with
        | setting          | value |
        | SHUTDOWN_TIMEOUT | 20s   |
        | REQUEST_TIMEOUT  | 20s   |
      And a request that takes 3 s is in flight
      When the program receives <signal>
      Then the request in flight succeeds
      And the program exits gracefully within 21 s
      And a line at level INFO has the id of the request

      Examples:
        | signal  |
        | SIGTERM |
        | SIGINT  |

    @user-service @gateway @slow
    Scenario Outline: After the signal no new request is accepted on <connection>
      Given a deployment of its own with
        | setting          | value |
        | SHUTDOWN_TIMEOUT | 20s   |
        | REQUEST_TIMEOUT  | 20s   |
      And a request that takes 12 s is in flight
      When the program receives SIGTERM
      Then no new request is accepted on <connection> any more
      And the request in flight succeeds

      Examples:
        | connection         |
        | a new connection   |
        | an open connection |

    @gateway @slow
    Scenario: After the signal no new request is accepted on connections that were idle
      Given a deployment of its own with
        | setting          | value |
        | SHUTDOWN_TIMEOUT | 20s   |
        | REQUEST_TIMEOUT  | 20s   |
      And 20 connections are open on each of which a request was answered
      And a request that takes 12 s is in flight
      When the program receives SIGTERM
      Then no new request is accepted on an idle connection any more
      And the request in flight succeeds

    Scenario Outline: The program ends in time though <what>
      Given a deployment of its own with
        | setting          | value |
        | SHUTDOWN_TIMEOUT | 1s    |
        | REQUEST_TIMEOUT  | 20s   |
      And <what>
      When the program receives SIGTERM
      Then the program exits gracefully within 2 s

      @user-service @gateway
      Examples:
        | what                                     |
        | a request that never ends is in flight   |
        | an idle connection is open to every port |
        | half a request was sent to every port    |
        | every resource is hung                   |
        | an answer of a list is not read          |

      @user-service
      Examples:
        | what                                              |
        | a Watch of "" is open                             |
        | a Watch of an unknown name is open                |
        | a stream is open whose client has stopped reading |

    @every-component
    Scenario Outline: A program that was never ready ends in time while <resource> is <away>
      Given a prepared deployment with
        | setting          | value |
        | SHUTDOWN_TIMEOUT | 1s    |
      And <resource> is <away>
      And the program was started and stayed alive and not ready for 1 s
      When the program receives SIGTERM
      Then the program exits gracefully within 2 s

      Examples:
        | resource              | away |
        | the required resource | cut  |
        | the required resource | hung |
