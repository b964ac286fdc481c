@gateway
Feature: Parameters and changes

  Background:
    Given a deployment of its own

  Rule: GWY-3 A list takes four parameters
    `GET /users` takes `page_size`, `page_token`, `filter`, `order_by`; page_size is `-?[0-9]+` within
    32 bits, otherwise 400; empty counts as absent; `+5` is free.

    Scenario: Parameters are decoded and passed on as they are
      Then each of these makes the call
        | request                                                                           | call      | page_size | page_token | filter                                 | order_by   |
        | GET /api/v1/users                                                                 | ListUsers | 0         |            |                                        |            |
        | GET /api/v1/users?page_size=&page_token=&filter=&order_by=                        | ListUsers | 0         |            |                                        |            |
        | GET /api/v1/users?page_size=7                                                     | ListUsers | 7         |            |                                        |            |
        | GET /api/v1/users?page_token=a%2Bb%2Fc%3D%3D                                      | ListUsers | 0         | a+b/c==    |                                        |            |
        | GET /api/v1/users?filter=name%3D%22A%20%26%20%C3%A9%25%22%20AND%20status%3DACTIVE | ListUsers | 0         |            | name="A & {U+00E9}%" AND status=ACTIVE |            |
        | GET /api/v1/users?order_by=email%20desc&page_size=3                               | ListUsers | 3         |            |                                        | email desc |
        | GET /api/v1/users?unknown=1&page_size=4&other                                     | ListUsers | 4         |            |                                        |            |

    Scenario: A page_size is any whole number of 32 bits
      Then each of these makes the call
        | request                                 | call      | page_size   |
        | GET /api/v1/users?page_size=0           | ListUsers | 0           |
        | GET /api/v1/users?page_size=-1          | ListUsers | -1          |
        | GET /api/v1/users?page_size=007         | ListUsers | 7           |
        | GET /api/v1/users?page_size=-0          | ListUsers | 0           |
        | GET /api/v1/users?page_size=101         | ListUsers | 101         |
        | GET /api/v1/users?page_size=2147483647  | ListUsers | 2147483647  |
        | GET /api/v1/users?page_size=-2147483648 | ListUsers | -2147483648 |
        | GET /api/v1/users?page_size=%35         | ListUsers | 5           |

    Scenario: Any other page_size is refused
      Then each of these is answered as listed
        | request                                          | status |
        | GET /api/v1/users?page_size=ten                  | 400    |
        | GET /api/v1/users?page_size=1.5                  | 400    |
        | GET /api/v1/users?page_size=1.0                  | 400    |
        | GET /api/v1/users?page_size=1e3                  | 400    |
        | GET /api/v1/users?page_size=0x10                 | 400    |
        | GET /api/v1/users?page_size=5%20                 | 400    |
        | GET /api/v1/users?page_size=%205                 | 400    |
        | GET /api/v1/users?page_size=-                    | 400    |
        | GET /api/v1/users?page_size=--5                  | 400    |
        | GET /api/v1/users?page_size=5-                   | 400    |
        | GET /api/v1/users?page_size=1_000                | 400    |
        | GET /api/v1/users?page_size=1,000                | 400    |
        | GET /api/v1/users?page_size=%D9%A3               | 400    |
        | GET /api/v1/users?page_size=2147483648           | 400    |
        | GET /api/v1/users?page_size=-2147483649          | 400    |
        | GET /api/v1/users?page_size=99999999999999999999 | 400    |
        | GET /api/v1/users?page_size=null                 | 400    |
      And the user service got no call
      And `GET /api/v1/users?page_size=5` is answered with 200

  Rule: GWY-4 A PUT changes the members present
    PUT changes only the members present and not null: `email`, `name`, `status` (the enum's name; an
    unknown name is 400 `status is invalid`), `metadata`.

    Scenario: Only members present and not null are passed on
      Then each of these makes the call
        | request             | body                                                              | call       | id | email    | name     | status   | metadata                         |
        | PUT /api/v1/users/x | {}                                                                | UpdateUser | x  | (absent) | (absent) | (absent) | {}                               |
        | PUT /api/v1/users/x | {"email": "a@b.com"}                                              | UpdateUser | x  | a@b.com  | (absent) | (absent) | {}                               |
        | PUT /api/v1/users/x | {"name": "Ada"}                                                   | UpdateUser | x  | (absent) | Ada      | (absent) | {}                               |
        | PUT /api/v1/users/x | {"name": ""}                                                      | UpdateUser | x  | (absent) |          | (absent) | {}                               |
        | PUT /api/v1/users/x | {"email": ""}                                                     | UpdateUser | x  |          | (absent) | (absent) | {}                               |
        | PUT /api/v1/users/x | {"metadata": {"key": "value"}}                                    | UpdateUser | x  | (absent) | (absent) | (absent) | {"key":"value"}                  |
        | PUT /api/v1/users/x | {"metadata": {"__proto__": "a", "toString": "b"}}                 | UpdateUser | x  | (absent) | (absent) | (absent) | {"__proto__":"a","toString":"b"} |
        | PUT /api/v1/users/x | {"email": null, "name": null, "status": null, "metadata": null}   | UpdateUser | x  | (absent) | (absent) | (absent) | {}                               |
        | PUT /api/v1/users/x | {"email": null, "name": "Ada", "status": "USER_STATUS_SUSPENDED"} | UpdateUser | x  | (absent) | Ada      | 3        | {}                               |

    Scenario: A status is changed by its name
      Then each of these makes the call
        | request             | body                                | call       | status |
        | PUT /api/v1/users/x | {"status": "USER_STATUS_ACTIVE"}    | UpdateUser | 1      |
        | PUT /api/v1/users/x | {"status": "USER_STATUS_INACTIVE"}  | UpdateUser | 2      |
        | PUT /api/v1/users/x | {"status": "USER_STATUS_SUSPENDED"} | UpdateUser | 3      |

    Scenario: An unknown status is refused
      Given a user "Ada"
      Then each of these is answered as listed
        | request                      | body                                  | status | error             |
        | PUT /api/v1/users/{Ada's id} | {"status": "ACTIVE"}                  | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"status": "user_status_active"}      | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"status": "USER_STATUS_DELETED"}     | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"status": "USER_STATUS_UNSPECIFIED"} | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"status": "USER_STATUS_ACTIVE "}     | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"status": "1"}                       | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"status": ""}                        | 400    | status is invalid |
        | PUT /api/v1/users/{Ada's id} | {"name": "Eve", "status": "banana"}   | 400    | status is invalid |
      And "Ada" is as before
