Feature: Starting

  Rule: CFG-6 A program is ready soon after its start
    Fast start: with its attached resources up (the database migrated), a program is ready within 10 s
    of being started.

    @user-service @gateway
    Scenario: A program is ready within 10 s of being started
      Given a prepared deployment
      When the program is started
      Then the program is ready within 10 s
      And requests succeed

    @user-service @gateway
    Scenario: A program with the default times is ready within 10 s of being started
      Given a prepared deployment with
        | setting              | value   |
        | HEALTH_CACHE_TTL     | (unset) |
        | HEALTH_CHECK_TIMEOUT | (unset) |
        | SHUTDOWN_TIMEOUT     | (unset) |
        | REQUEST_TIMEOUT      | (unset) |
      When the program is started
      Then the program is ready within 10 s
      And requests succeed

    @user-service @gateway
    Scenario: A program that says it is ready serves at once
      Given a prepared deployment
      When the program is started
      Then the very first request after it is ready succeeds

  Rule: CFG-7 A program starts without its resources, and waits for them
    Disposable start: a program whose required resources are down starts, stays alive (`/live` is
    200), is not ready, and becomes ready without a restart as in HLT-7.

    @slow
    Scenario Outline: A program started while <resource> is <away> stays alive and is not ready
      Given a prepared deployment
      And <resource> is <away>
      When the program is started
      Then the program is alive within 10 s
      And the program stays alive and not ready for 4 s

      @user-service @gateway
      Examples:
        | resource              | away |
        | the required resource | cut  |
        | the required resource | hung |

      @user-service
      Examples:
        | resource       | away |
        | every resource | hung |

    @every-component @slow
    Scenario Outline: A program whose required resource stays <away> does not give up
      Given a prepared deployment
      And the required resource is <away>
      When the program is started
      Then the program is alive within 10 s
      And the program stays alive and not ready for 15 s

      Examples:
        | away |
        | cut  |
        | hung |

    @slow
    Scenario Outline: A program started while <resource> is <away> becomes ready without a restart
      Given a prepared deployment
      And <resource> is <away>
      And the program was started and stayed alive and not ready for 1 s
      When <resource> is restored
      Then the program is ready within 6500 ms
      And requests succeed

      @user-service @gateway
      Examples:
        | resource              | away |
        | the required resource | cut  |
        | the required resource | hung |

      @user-service
      Examples:
        | resource       | away |
        | every resource | hung |

    @slow
    Scenario Outline: A program started with a <variable> whose host does not resolve is <state>
      Given a prepared deployment with
        | setting    | value   |
        | <variable> | <value> |
      When the program is started
      Then the program is alive within 10 s
      And the program is <state> within 10 s
      And the program stays <state> for 4 s

      @user-service
      Examples:
        | variable     | value                                                      | state     |
        | DATABASE_URL | postgres://ada@unresolvable.invalid:5432/x?sslmode=disable | unhealthy |
        | REDIS_URL    | redis://unresolvable.invalid:6379                          | degraded  |

      @gateway
      Examples:
        | variable          | value                             | state     |
        | USER_SERVICE_ADDR | http://unresolvable.invalid:50051 | unhealthy |
