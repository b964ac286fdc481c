@gateway
Feature: Bodies and routes

  Background:
    Given a deployment of its own

  Rule: GWY-6 What no route can take is refused
    A body that is not JSON (an empty one too), or has a member of the wrong type, is 400 (erratum: the
    sample gives 500); an unknown member is ignored; a body over 1 MiB is 413 (the connection may then
    be closed); an unknown route is 404; a known route with another method is 405 with `Allow`. HEAD and
    OPTIONS, methods that the HTTP parser does not know, a missing or other Content-Type, a DELETE with
    a Content-Type and no body, duplicate members, the letter case of members, text after the value,
    null within metadata, `NaN` and `Infinity`, invalid UTF-8, lone surrogates, a malformed or repeated
    query parameter, the letter case of a path and a trailing slash are free; none gives 5xx.

    Scenario: A body that is no JSON object is refused
      Given a user "Ada"
      Then each of these is answered as listed
        | request                      | body                                | status |
        | POST /api/v1/users           | (empty)                             | 400    |
        | POST /api/v1/users           | {                                   | 400    |
        | POST /api/v1/users           | {"email": "a@b.com", "name": "Ada"  | 400    |
        | POST /api/v1/users           | {"email": "a@b.com" "name": "Ada"}  | 400    |
        | POST /api/v1/users           | {email: "a@b.com", name: "Ada"}     | 400    |
        | POST /api/v1/users           | {'email': 'a@b.com', 'name': 'Ada'} | 400    |
        | POST /api/v1/users           | email=a@b.com&name=Ada              | 400    |
        | POST /api/v1/users           | <user email="a@b.com" name="Ada"/>  | 400    |
        | POST /api/v1/users           | [{"email": "a@b.com"}]              | 400    |
        | POST /api/v1/users           | "a@b.com"                           | 400    |
        | POST /api/v1/users           | 17                                  | 400    |
        | POST /api/v1/users           | true                                | 400    |
        | PUT /api/v1/users/{Ada's id} | (empty)                             | 400    |
        | PUT /api/v1/users/{Ada's id} | {"name": "Eve"                      | 400    |
        | PUT /api/v1/users/{Ada's id} | name=Eve                            | 400    |
        | PUT /api/v1/users/{Ada's id} | [{"name": "Eve"}]                   | 400    |
        | PUT /api/v1/users/{Ada's id} | "Eve"                               | 400    |
      And "Ada" is as before

    Scenario: A member of the wrong type is refused
      Given a user "Ada"
      Then each of these is answered as listed
        | request                      | body                                                       | status |
        | POST /api/v1/users           | {"email": 5, "name": "Bea"}                                | 400    |
        | POST /api/v1/users           | {"email": ["b@b.com"], "name": "Bea"}                      | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": true}                         | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": {}}                           | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": "Bea", "password": 12345678}  | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": "Bea", "metadata": "x"}       | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": "Bea", "metadata": ["x"]}     | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": "Bea", "metadata": {"a": 1}}  | 400    |
        | POST /api/v1/users           | {"email": "b@b.com", "name": "Bea", "metadata": {"a": {}}} | 400    |
        | PUT /api/v1/users/{Ada's id} | {"name": 5}                                                | 400    |
        | PUT /api/v1/users/{Ada's id} | {"email": false}                                           | 400    |
        | PUT /api/v1/users/{Ada's id} | {"status": 1}                                              | 400    |
        | PUT /api/v1/users/{Ada's id} | {"status": ["USER_STATUS_ACTIVE"]}                         | 400    |
        | PUT /api/v1/users/{Ada's id} | {"metadata": {"a": true}}                                  | 400    |
        | PUT /api/v1/users/{Ada's id} | {"name": "Eve", "metadata": []}                            | 400    |
      And "Ada" is as before

    Scenario: An unknown member is ignored
      Then each of these makes the call
        | request             | body                                                                             | call       | email    | name |
        | POST /api/v1/users  | {"email": "a@b.com", "name": "Ada", "age": 36}                                   | CreateUser | a@b.com  | Ada  |
        | POST /api/v1/users  | {"x": {"email": "c@d.com"}, "email": "a@b.com", "name": "Ada", "y": [null, 1.5]} | CreateUser | a@b.com  | Ada  |
        | PUT /api/v1/users/x | {"name": "Eve", "password": 5, "id": "other"}                                    | UpdateUser | (absent) | Eve  |
        | POST /api/v1/users  | {"__proto__": {"email": "c@d.com"}, "email": "a@b.com", "name": "Ada"}           | CreateUser | a@b.com  | Ada  |
        | POST /api/v1/users  | {"constructor": {"prototype": {"name": "Eve"}}, "email": "a@b.com"}              | CreateUser | a@b.com  |      |
        | POST /api/v1/users  | {"toString": 1, "hasOwnProperty": null, "email": "a@b.com", "name": "Ada"}       | CreateUser | a@b.com  | Ada  |
        | PUT /api/v1/users/x | {"__proto__": {"email": "c@d.com"}, "name": "Eve"}                               | UpdateUser | (absent) | Eve  |
        | PUT /api/v1/users/x | {"constructor": 1, "__class__": "User", "name": "Eve"}                           | UpdateUser | (absent) | Eve  |

    Scenario Outline: A body of 1 MiB <how> is taken by <method>
      Given a user "Ada"
      When a body of 1048576 bytes is sent to `<request>` <how>
      Then the answer is <status>

      Examples:
        | method | request                      | how             | status |
        | POST   | POST /api/v1/users           | with its length | 201    |
        | POST   | POST /api/v1/users           | in chunks       | 201    |
        | PUT    | PUT /api/v1/users/{Ada's id} | with its length | 200    |
        | PUT    | PUT /api/v1/users/{Ada's id} | in chunks       | 200    |

    Scenario Outline: A body of more than 1 MiB <how> is refused by <method>
      Given a user "Ada"
      When a body of 1048577 bytes is sent to `<request>` <how>
      Then the answer is 413 in the shape of an error
      And the user service got no call
      And "Ada" is as before
      And requests succeed

      Examples:
        | method | request                      | how             |
        | POST   | POST /api/v1/users           | with its length |
        | POST   | POST /api/v1/users           | in chunks       |
        | PUT    | PUT /api/v1/users/{Ada's id} | with its length |
        | PUT    | PUT /api/v1/users/{Ada's id} | in chunks       |

    Scenario: An unknown route is not found
      Given a user "Ada"
      Then each of these is answered as listed
        | request                               | body | status |
        | GET /                                 |      | 404    |
        | GET /api                              |      | 404    |
        | GET /api/v1                           |      | 404    |
        | GET /api/v1/user                      |      | 404    |
        | GET /api/v1/userss                    |      | 404    |
        | GET /api/v2/users                     |      | 404    |
        | GET /users                            |      | 404    |
        | POST /api/v1/groups                   | {}   | 404    |
        | GET /api/v1/users/{Ada's id}/name     |      | 404    |
        | DELETE /api/v1/users/{Ada's id}/name  |      | 404    |
        | PUT /api/v1/users/{Ada's id}/status/x | {}   | 404    |
        | GET /favicon.ico                      |      | 404    |
      And "Ada" is as before

    Scenario: A known route with another method is answered with the methods that it allows
      Given a user "Ada"
      Then each of these is answered with 405 and what is allowed
        | request                        | body | allow            |
        | PUT /api/v1/users              | {}   | GET, POST        |
        | DELETE /api/v1/users           |      | GET, POST        |
        | PATCH /api/v1/users            | {}   | GET, POST        |
        | POST /api/v1/users/{Ada's id}  | {}   | GET, PUT, DELETE |
        | PATCH /api/v1/users/{Ada's id} | {}   | GET, PUT, DELETE |
      And "Ada" is as before

    Scenario: What is free gives no error of the server
      Given a user "Ada"
      Then each of these is answered below 500
        | request                                   | body                                                                     |
        | HEAD /api/v1/users                        |                                                                          |
        | HEAD /api/v1/users/{Ada's id}             |                                                                          |
        | HEAD /api/v1/users/absent                 |                                                                          |
        | OPTIONS /api/v1/users                     |                                                                          |
        | OPTIONS /api/v1/users/{Ada's id}          |                                                                          |
        | OPTIONS /api/v1/nothing                   |                                                                          |
        | GET /api/v1/users/                        |                                                                          |
        | GET /api/v1/users/{Ada's id}/             |                                                                          |
        | GET /API/v1/Users                         |                                                                          |
        | GET /api/v1/users?page_size=1&page_size=2 |                                                                          |
        | DELETE /api/v1/users/absent               | (empty)                                                                  |
        | POST /api/v1/users                        | {"email": "a@x.com", "email": "b@x.com", "name": "Bea"}                  |
        | POST /api/v1/users                        | {"Email": "c@x.com", "NAME": "Bea"}                                      |
        | POST /api/v1/users                        | {"email": "d@x.com", "name": "Bea"} and more                             |
        | POST /api/v1/users                        | {"email": "e@x.com", "name": "Bea", "metadata": {"a": null}}             |
        | POST /api/v1/users                        | {"email": "f@x.com", "name": "\\ud800"}                                  |
        | POST /api/v1/users                        | {"email": "g@x.com", "name": "Bea", "metadata": {"\\udfff\\ud800": "x"}} |
        | POST /api/v1/users                        | {"email": "h@x.com", "name": "Bea", "age": NaN}                          |
        | POST /api/v1/users                        | {"email": "i@x.com", "name": NaN, "metadata": {"a": -Infinity}}          |
        | PUT /api/v1/users/{Ada's id}              | {"status": Infinity}                                                     |
        | POST /api/v1/users                        | null                                                                     |
      And requests succeed

    Scenario: A query that is malformed or repeated gives no error of the server
      Then each of these is answered below 500, in any shape
        | request                                                                |
        | GET /api/v1/users?&&==&=x&page_size                                    |
        | GET /api/v1/users?page_size=%zz                                        |
        | GET /api/v1/users?page_size=%                                          |
        | GET /api/v1/users?filter=%FF%FE                                        |
        | GET /api/v1/users?filter=%E9&order_by=%C3                              |
        | GET /api/v1/users?page_token=%4                                        |
        | GET /api/v1/users?%zz=1&%=2                                            |
        | GET /api/v1/users?filter=a&filter=b&order_by=email&order_by=name       |
        | GET /api/v1/users?page_token=a&page_token=b                            |
        | GET /api/v1/users?page_size%5B%5D=1&filter%5B%5D=a                     |
        | GET /api/v1/users?filter%5Ba%5D=b&page_size%5Bb%5D%5Bc%5D=1            |
        | GET /api/v1/users?page_token%5B0%5D=a&order_by%5B%24gt%5D=             |
        | GET /api/v1/users?filter%5B__proto__%5D=x&__proto__%5BtoString%5D=1    |
        | GET /api/v1/users?filter.a=b&constructor=1&hasOwnProperty=2&toString=3 |
        | GET /api/v1/users?filter%5B                                            |
      And requests succeed

    Scenario: A method that few know gives no error of the server
      Given a user "Ada"
      Then each of these is answered below 500, in any shape
        | request                           |
        | PURGE /api/v1/users               |
        | PROPFIND /api/v1/users/{Ada's id} |
        | BREW /api/v1/users                |
      And "Ada" is as before

    Scenario Outline: A body of type <type> gives no error of the server
      When `POST /api/v1/users` is sent as `<type>` with `{"email": "a@x.com", "name": "Bea"}`
      Then every answer is below 500
      And requests succeed

      Examples:
        | type                              |
        | text/plain                        |
        | application/x-www-form-urlencoded |
        | multipart/form-data               |
        | application/xml                   |

    Scenario: Bytes that are no UTF-8 give no error of the server
      When a body that is no UTF-8 is sent to every route that takes one
      Then every answer is below 500
      And requests succeed

    Scenario Outline: A body <how> does no harm to others
      When a body <how> is sent
      Then requests succeed

      Examples:
        | how                                  |
        | that ends before its length          |
        | with a chunk whose size is no number |
        | that never ends                      |
        | with two different lengths           |

    Scenario: A body without a Content-Type gives no error of the server
      When a body is sent without a Content-Type
      Then every answer is below 500
      And requests succeed
