Feature: Gauges and created users

  Rule: MET-6 Gauges show what is there
    `active_users` is the number of users with status ACTIVE, at most 5 s old, equal on every
    instance (with the database away: free); `users_created_total` counts creates this process
    acknowledged; `http_requests_in_flight` counts requests other than the scrape's own and returns
    to 0; `db_connections_open` is, at rest, the number of open connections.

    @user-service
    Scenario Outline: Every instance shows the active users after <method> with <with>
      Given a deployment of its own
      And a second instance
      And a user "Ada"
      And `active_users` is 1 on every instance
      When each of these calls is made
        | method   | with   | code |
        | <method> | <with> | OK   |
      Then within 5 s `active_users` is <number> on every instance

      Examples:
        | method     | with                 | number |
        | CreateUser | valid values         | 2      |
        | DeleteUser | valid values         | 0      |
        | UpdateUser | the status SUSPENDED | 0      |
        | UpdateUser | the status INACTIVE  | 0      |

    @user-service
    Scenario: A user that becomes active again is shown
      Given a deployment of its own
      And a second instance
      And a user "Ada" with
        | field  | value     |
        | status | SUSPENDED |
      And `active_users` is 0 on every instance
      When each of these calls is made
        | method     | with              | code |
        | UpdateUser | the status ACTIVE | OK   |
      Then within 5 s `active_users` is 1 on every instance

    @user-service
    Scenario: Active users are shown without Redis
      Given a deployment of its own
      And a second instance
      And Redis is cut
      And `active_users` is 0 on every instance
      When 3 users are created on the first instance
      Then within 5 s `active_users` is 3 on every instance

    @user-service
    Scenario: Active users are shown after a restart, and created ones are not
      Given a deployment of its own
      And 3 users named "Grace", 1 of them SUSPENDED
      When every instance is killed and started again
      Then within 5 s `active_users` is 2 on every instance
      And `users_created_total` is 0 on the first instance

    @user-service
    Scenario: Each process counts the creates that it has acknowledged
      Given a deployment of its own
      And a second instance
      And the metrics were read
      When 3 users are created on the first instance
      Then `users_created_total` has grown by 3 on the first instance
      And `users_created_total` has grown by 0 on the second instance

    @user-service
    Scenario: Calls that create no user are not counted as creates
      Given a deployment of its own
      And a user "Ada"
      And the metrics were read
      When each of these calls is made
        | method     | with          | code             |
        | CreateUser | no email      | INVALID_ARGUMENT |
        | CreateUser | a taken email | ALREADY_EXISTS   |
        | UpdateUser | valid values  | OK               |
        | CreateUser | valid values  | OK               |
        | DeleteUser | valid values  | OK               |
      Then `users_created_total` has grown by 1 on the first instance

    @user-service
    Scenario: A create that the database refuses is not counted as one
      Given a deployment of its own
      And the database refuses every write by a trigger
      And the metrics were read
      When a create is refused by the database
      Then `users_created_total` has grown by 0 on the first instance

    @user-service @gateway
    Scenario: At rest no request is in flight
      Given a deployment of its own
      When each of these probes is requested 20 times
        | request      | status |
        | GET /live    | 200    |
        | GET /unknown | any    |
      Then `http_requests_in_flight` is 0

    @gateway
    Scenario: Requests that the user service holds are in flight
      Given a deployment of its own
      And the user service holds its answers back
      When 5 creates are made at once
      Then `http_requests_in_flight` is 5

    @gateway
    Scenario: Requests that were answered are not in flight any more
      Given a deployment of its own
      And 5 creates are in flight that the user service will answer with OK
      When the creates in flight are answered 1 s later
      Then `http_requests_in_flight` is 0

    @gateway
    Scenario: Requests that time out are not in flight any more
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 1s    |
      When each of these requests is made
        | request                | script    | status |
        | DELETE /api/v1/users/x | no answer | 504    |
      Then `http_requests_in_flight` is 0

    @gateway
    Scenario: Requests whose clients leave are not in flight any more
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      When 3 requests are made whose clients leave while the user service keeps them
      Then within 3 s `http_requests_in_flight` is 0

    @user-service
    Scenario: The open connections are those that the database has
      Given a deployment of its own
      And a user "Ada"
      When requests of every kind are made
      Then `db_connections_open` is the number of connections that the database has, at rest

    @user-service
    Scenario: The open connections are those that the database has after many calls at once
      Given a deployment of its own with
        | setting                  | value |
        | DATABASE_MAX_CONNECTIONS | 4     |
      When GetUser is called 50 times at once, with an unknown id, and fails with NOT_FOUND
      Then `db_connections_open` is the number of connections that the database has, at rest
