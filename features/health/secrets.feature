Feature: Secrets and health

  Passwords are looked for as they stand in the URL and as they are meant; connection strings as they
  were given, by their schemes, and by a `password=`. That an answer names a host is free.

  Rule: HLT-8 Health answers keep secrets
    No health answer holds a password, a token or a connection string.

    @every-component
    Scenario Outline: No health answer holds a secret while <resource> is <away>
      Given a deployment of its own
      And <resource> is <away>
      And the program has become <status>
      When every probe is requested
      Then no answer holds a password or a connection string

      Examples:
        | resource       | away | status    |
        | no resource    | cut  | healthy   |
        | every resource | cut  | unhealthy |
        | every resource | hung | unhealthy |

    @user-service
    Scenario Outline: No health answer holds the password of a <variable> that its resource refuses
      Given a prepared deployment with
        | setting    | value                   |
        | <variable> | (with a wrong password) |
      And the program was started and is alive
      When every probe is requested
      Then no answer holds a password or a connection string

      Examples:
        | variable     |
        | DATABASE_URL |
        | REDIS_URL    |

    @user-service
    Scenario Outline: No health answer holds the password of resources that were <away> from the start
      Given a prepared deployment with
        | setting      | value                   |
        | DATABASE_URL | (with a wrong password) |
        | REDIS_URL    | (with a wrong password) |
      And every resource is <away>
      And the program was started and is alive
      When every probe is requested
      Then no answer holds a password or a connection string

      Examples:
        | away |
        | cut  |
        | hung |
