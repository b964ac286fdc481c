@user-service
Feature: Connections to the database

  Connections are counted by the database's own list of its backends, all the time while calls run.

  Rule: USR-20 The service holds a bounded number of connections
    The service holds at most `DATABASE_MAX_CONNECTIONS` + 2 connections to the database (its
    server's client backends), streams included; calls beyond wait their turn within
    `REQUEST_TIMEOUT`.

    Scenario Outline: With DATABASE_MAX_CONNECTIONS=<max> at most <most> connections carry many calls
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | <max> |
      And 40 users named "Grace"
      When 60 unary calls are made at once
      Then every call succeeds
      And the database never had more than <most> connections of the service

      Examples:
        | max | most |
        | 1   | 3    |
        | 3   | 5    |

    Scenario: With the default of 10 at most 12 connections carry many calls
      Given a deployment of its own with
        | setting                  | value   |
        | DATABASE_MAX_CONNECTIONS | (unset) |
      And 40 users named "Grace"
      When 60 unary calls are made at once
      Then every call succeeds
      And the database never had more than 12 connections of the service

    Scenario: Calls wait their turn for a slow database
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | 1     |
        | REQUEST_TIMEOUT          | 10s   |
      And 3 users named "Grace"
      And the database is slowed by 10 ms
      When GetUser is called 60 times at once
      Then every call succeeds
      And the database never had more than 3 connections of the service

    Scenario: After the database was away no more connections are held than before
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | 3     |
      And 40 users named "Grace"
      And the database was cut and restored
      And every unary call has succeeded again
      When 60 unary calls are made at once
      Then every call succeeds
      And the database never had more than 5 connections of the service

    Scenario: Streams are included: with 20 of them open at most 5 connections carry many calls
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | 3     |
      And 40 users named "Grace"
      And 20 streams of users with `name={Grace's name}` are open
      When 60 unary calls are made at once
      Then every call succeeds
      And the database never had more than 5 connections of the service

    Scenario Outline: Reads that are <given up> while they wait for a lock hold no further connections
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | 2     |
        | REQUEST_TIMEOUT          | 20s   |
      And a user "Ada"
      And every table is locked
      When "Ada" is read 20 times, twice at once, and each read is <given up>
      Then the database never had more than 4 connections of the service

      Examples:
        | given up                         |
        | cancelled by its client          |
        | not answered before its deadline |

    Scenario Outline: After many calls were <given up> calls are served as before
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | 2     |
      And 40 users named "Grace"
      And a user "Ada"
      And the database is hung
      And every unary call was made 6 times and <given up>
      And the database is restored
      And every unary call has succeeded again
      When 60 unary calls are made at once
      Then every call succeeds
      And the database never had more than 4 connections of the service

      Examples:
        | given up                         |
        | cancelled by its client          |
        | not answered before its deadline |
