Feature: Commands

  What the program does apart from serving. A stand-in for the program listens on its `PORT`; every
  request other than `/health` gets the opposite answer.

  Rule: CFG-4 `migrate` prepares the database, once and for all
    Admin processes: `migrate` (user-service) prepares an empty database and exits 0; run again, or
    twice at once, it exits 0 and changes nothing. `serve` is the default command and need not
    migrate.

    @user-service
    Scenario: A program serves on a database that `migrate` prepared
      Given a prepared deployment on an empty database
      And `migrate` was run
      When the program is started
      Then the program is ready within 10 s
      And requests succeed

    @user-service
    Scenario: `migrate` itself prepares the database
      Given a prepared deployment on an empty database
      When `migrate` is run
      Then every command exits with 0
      And the database holds something that it did not hold before

    @user-service
    Scenario: A program serves on a database that two `migrate` at once prepared
      Given a prepared deployment on an empty database
      And the database is slowed by 200 ms
      And `migrate` was run twice at once
      And the database is restored
      When the program is started
      Then the program is ready within 10 s
      And requests succeed

    @user-service
    Scenario: Run again, `migrate` exits with 0 and changes nothing
      Given a deployment of its own
      And 3 users named "Grace"
      And every instance was killed
      When `migrate` is run
      Then every command exits with 0
      And the database holds exactly what it held before

    @user-service
    Scenario: Run again twice at once, `migrate` exits with 0 and changes nothing
      Given a deployment of its own
      And 3 users named "Grace"
      And every instance was killed
      When `migrate` is run twice at once
      Then every command exits with 0
      And the database holds exactly what it held before

    @user-service @gateway
    Scenario: `serve` does what the program does without a command
      Given a prepared deployment
      When the program is started as `serve`
      Then the program is ready within 10 s
      And requests succeed

  Rule: CFG-5 `healthcheck` tells how the running program is
    `healthcheck` asks the running program's own `/health` on `PORT` and exits 0 on 200 or 207, 1
    otherwise or when nothing answers within 5 s.

    Scenario Outline: `healthcheck` of a program that is <state> exits with <exit>
      Given a deployment of its own
      And <resource> is cut
      And the program has become <state>
      When `healthcheck` is run
      Then every command exits with <exit>

      @user-service @gateway
      Examples:
        | state     | resource              | exit |
        | healthy   | no resource           | 0    |
        | unhealthy | the required resource | 1    |

      @user-service
      Examples:
        | state    | resource              | exit |
        | degraded | the optional resource | 0    |

    @every-component
    Scenario Outline: `healthcheck` exits with <exit> when /health answers <status>
      Given a fake program that answers /health with <status>
      When `healthcheck` is run
      Then every command exits with <exit>

      Examples:
        | status | exit |
        | 200    | 0    |
        | 207    | 0    |
        | 204    | 1    |
        | 404    | 1    |
        | 500    | 1    |
        | 503    | 1    |

    @every-component
    Scenario: `healthcheck` waits for an answer that takes 3 s
      Given a fake program that answers /health with 200 after 3 s
      When `healthcheck` is run
      Then every command exits with 0

    @every-component @slow
    Scenario: `healthcheck` gives up an answer that does not come within 5 s
      Given a fake program that never answers
      When `healthcheck` is run
      Then every command exits with 1
      And every command ends within 10 s

    @every-component
    Scenario: `healthcheck` exits with 1 when no program runs
      Given a prepared deployment
      When `healthcheck` is run
      Then every command exits with 1
      And every command ends within 10 s
