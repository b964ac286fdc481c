Feature: Families and their labels

  Rule: MET-2 Families have fixed names, types and labels
    Names, types and labels: `http_requests_total{method,path,status}` counter,
    `http_request_duration_seconds{method,path}` histogram, `http_requests_in_flight` gauge,
    `grpc_requests_total{method,status}` counter, `grpc_request_duration_seconds{method}` histogram,
    `users_created_total` counter, `active_users` gauge, `db_connections_open` gauge,
    `db_query_duration_seconds{query}` histogram (query from a fixed set). The HTTP ones count every
    request on `PORT`, probes too, in every program; the others are the user service's (gRPC client
    metrics in the gateway are free). The ones without labels are there from the start; one with
    labels once it was used.

    @user-service
    Scenario: The families of a user service without labels are there from the start
      Given a prepared deployment
      When the program is started
      Then the first page that it serves has these families, each with HELP
        | family                  | type    | labels |
        | http_requests_in_flight | gauge   |        |
        | users_created_total     | counter |        |
        | active_users            | gauge   |        |
        | db_connections_open     | gauge   |        |

    @gateway
    Scenario: The family of a gateway without labels is there from the start
      Given a prepared deployment
      When the program is started
      Then the first page that it serves has these families, each with HELP
        | family                  | type  | labels |
        | http_requests_in_flight | gauge |        |

    @user-service
    Scenario: The families of a user service have their types and labels
      Given a user "Ada"
      When requests of every kind are made
      Then these families are there, each with HELP
        | family                        | type      | labels               |
        | http_requests_total           | counter   | method, path, status |
        | http_request_duration_seconds | histogram | method, path         |
        | http_requests_in_flight       | gauge     |                      |
        | grpc_requests_total           | counter   | method, status       |
        | grpc_request_duration_seconds | histogram | method               |
        | users_created_total           | counter   |                      |
        | active_users                  | gauge     |                      |
        | db_connections_open           | gauge     |                      |
        | db_query_duration_seconds     | histogram | query                |

    @gateway
    Scenario: The families of a gateway have their types and labels
      When requests of every kind are made
      Then these families are there, each with HELP
        | family                        | type      | labels               |
        | http_requests_total           | counter   | method, path, status |
        | http_request_duration_seconds | histogram | method, path         |
        | http_requests_in_flight       | gauge     |                      |

    @user-service @gateway
    Scenario: Probes are counted
      Given a deployment of its own
      And the metrics were read
      When each of these probes is requested 3 times
        | request     | status |
        | GET /live   | 200    |
        | GET /ready  | 200    |
        | GET /health | 200    |
      Then each of these requests is counted once, by its method, its route and its status

    @user-service
    Scenario Outline: Names of queries are from a fixed set, with <kind> in calls
      Given a deployment of its own
      And 3 requests with <kind> were made
      And the series were counted
      When 30 requests with <kind> are made
      Then there are as many series as before

      Examples:
        | kind             |
        | unknown ids      |
        | filters by name  |
        | names and emails |

  Rule: MET-3 The number of series does not grow with traffic
    `path` is the route's template, `/api/v1/users/{id}`, unknown routes share one value, unknown
    HTTP methods share one, unknown gRPC methods share one, so the number of series does not grow
    with traffic (erratum: the sample uses the raw path). `status` is the numeric HTTP status
    (erratum: the sample uses its text). gRPC `method` is `/user.v1.UserService/GetUser`, `status`
    the code's name in the style of `OK`, `NotFound`, `DeadlineExceeded` (`Cancelled` or `Canceled`).

    @gateway
    Scenario: Path and status of a request are its route's template and its number
      Given a deployment of its own with
        | setting              | value |
        | BREAKER_MAX_FAILURES | 100   |
      And the metrics were read
      When each of these requests is made
        | request                   | body                                        | script             | status |
        | GET /api/v1/users         |                                             |                    | 200    |
        | GET /api/v1/users?x=y     |                                             |                    | 200    |
        | POST /api/v1/users        | {"email": "c-{id}@a.example", "name": "C"} |                    | 201    |
        | GET /api/v1/users/x       |                                             |                    | 404    |
        | GET /api/v1/users/a%20b   |                                             |                    | 404    |
        | PUT /api/v1/users/x       | {"name": "C"}                               |                    | 404    |
        | DELETE /api/v1/users/y    |                                             |                    | 404    |
        | DELETE /api/v1/users/y    |                                             | OK                 | 404    |
        | DELETE /api/v1/users/y    |                                             | RESOURCE_EXHAUSTED | 429    |
        | DELETE /api/v1/users/y    |                                             | UNAVAILABLE        | 503    |
        | GET /live                 |                                             |                    | 200    |
      Then each of these requests is counted once, by its method, its route and its status

    @user-service @gateway
    Scenario: Path and status of a probe are its route and its number
      Given a deployment of its own
      And the metrics were read
      When each of these requests is made
        | request     | status |
        | GET /live   | 200    |
        | GET /ready  | 200    |
        | GET /health | 200    |
      Then each of these requests is counted once, by its method, its route and its status

    @user-service
    Scenario: Method and status of a call are its full name and its code's
      Given a deployment of its own
      And a user "Ada"
      And the metrics were read
      When each of these calls is made
        | method     | with              | code             |
        | CreateUser | valid values      | OK               |
        | GetUser    | valid values      | OK               |
        | UpdateUser | valid values      | OK               |
        | ListUsers  | valid values      | OK               |
        | CreateUser | no email          | INVALID_ARGUMENT |
        | CreateUser | a taken email     | ALREADY_EXISTS   |
        | GetUser    | an unknown id     | NOT_FOUND        |
        | ListUsers  | an invalid filter | INVALID_ARGUMENT |
        | DeleteUser | valid values      | OK               |
      Then each of these calls is counted once, by its method and its code

    @user-service @gateway
    Scenario: Unknown routes share one path
      Given a deployment of its own
      And the metrics were read
      When 10 requests with unknown routes are made
      Then all 10 are counted under one path, which is no route's

    @user-service @gateway
    Scenario: Unknown HTTP methods share one value
      Given a deployment of its own
      And the metrics were read
      When 10 requests with unknown HTTP methods are made
      Then they are counted under one HTTP method, or not at all

    @user-service
    Scenario: Unknown gRPC methods share one value
      Given a deployment of its own
      And the metrics were read
      When 10 requests with unknown gRPC methods are made
      Then they are counted under one gRPC method, or not at all

    @user-service @gateway
    Scenario Outline: The number of series does not grow with <kind>
      Given a deployment of its own
      And 3 requests with <kind> were made
      And the series were counted
      When 30 requests with <kind> are made
      Then there are as many series as before

      Examples:
        | kind                 |
        | unknown routes       |
        | unknown HTTP methods |

    @user-service
    Scenario: The number of series does not grow with unknown gRPC methods
      Given a deployment of its own
      And 3 requests with unknown gRPC methods were made
      And the series were counted
      When 30 requests with unknown gRPC methods are made
      Then there are as many series as before

    @gateway
    Scenario Outline: The number of series of a gateway does not grow with <kind>
      Given a deployment of its own
      And 3 requests with <kind> were made
      And the series were counted
      When 30 requests with <kind> are made
      Then there are as many series as before

      Examples:
        | kind                  |
        | ids in paths          |
        | parameters in queries |

  Rule: MET-4 Histograms have fixed buckets
    Request histograms have the buckets .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10;
    `db_query_duration_seconds` .001 .005 .01 .025 .05 .1 .25 .5 1.

    @user-service
    Scenario: The histograms of a user service have the buckets of the contract
      Given a user "Ada"
      When requests of every kind are made
      Then every histogram of these families has these buckets
        | family                        | buckets                                   |
        | http_request_duration_seconds | .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10    |
        | grpc_request_duration_seconds | .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10    |
        | db_query_duration_seconds     | .001 .005 .01 .025 .05 .1 .25 .5 1        |

    @gateway
    Scenario: The histogram of a gateway has the buckets of the contract
      When requests of every kind are made
      Then every histogram of these families has these buckets
        | family                        | buckets                                |
        | http_request_duration_seconds | .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 |

    @gateway
    Scenario: The duration of a request is observed in seconds
      Given a deployment of its own
      And the metrics were read
      When `DELETE /api/v1/users/x` is made, which the user service answers after 700 ms
      Then its duration is in the buckets of its seconds, in
        | family                        |
        | http_request_duration_seconds |

    @user-service
    Scenario: The durations of a call and of its queries are observed in seconds
      Given a deployment of its own
      And a user "Ada"
      And the metrics were read
      When GetUser is called with the database slowed by 300 ms
      Then its duration is in the buckets of its seconds, in
        | family                        |
        | grpc_request_duration_seconds |
      And the queries took 300 ms or more, and less than the call, in `db_query_duration_seconds`

    @gateway
    Scenario: Prometheus computes the duration of requests from their buckets
      Given a deployment of its own
      And requests of every kind were made
      And Prometheus scrapes the program
      And it has scraped every request so far in `http_requests_total`
      When 40 requests are made at once, each answered after 300 ms
      Then Prometheus computes a median of 250 ms to 2500 ms from the buckets of `http_request_duration_seconds`

    @user-service
    Scenario: Prometheus computes the duration of calls from their buckets
      Given a deployment of its own
      And a user "Ada"
      And requests of every kind were made
      And Prometheus scrapes the program
      And it has scraped every request so far in `grpc_requests_total`
      When GetUser is called 5 times while the database is slowed by 300 ms
      Then Prometheus computes a median of 250 ms to 5000 ms from the buckets of `grpc_request_duration_seconds`
