@gateway
Feature: Routes

  A gateway of a scenario's own has a scripted user service behind it, which answers as the contract
  says unless the scenario scripts another answer, and records every call. In the tables a request
  is written as it goes on the wire, and a field of a call that is not there is `(absent)`.

  Background:
    Given a deployment of its own

  Rule: GWY-1 Five routes under /api/v1
    Routes under `/api/v1`: `GET /users` 200, `POST /users` 201 (members `email`, `name`, `password`,
    `metadata`; a missing one, or null, counts as empty), `GET /users/{id}` 200, `PUT /users/{id}` 200,
    `DELETE /users/{id}` 204 with no body. All bodies are JSON (`Content-Type: application/json`),
    whatever `Accept` says; a request's `application/json; charset=utf-8` is JSON too.

    Scenario: Each route has its status
      Given a user "Ada"
      Then each of these is answered as listed
        | request                         | body                                | status |
        | GET /api/v1/users               |                                     | 200    |
        | POST /api/v1/users              | {"email": "b@b.com", "name": "Bea"} | 201    |
        | GET /api/v1/users/{Ada's id}    |                                     | 200    |
        | PUT /api/v1/users/{Ada's id}    | {"name": "Ada Byron"}               | 200    |
        | DELETE /api/v1/users/{Ada's id} |                                     | 204    |

    Scenario: Each route makes its call
      Then each of these makes the call
        | request                | body                                | call       | id | email    | name |
        | GET /api/v1/users      |                                     | ListUsers  |    |          |      |
        | POST /api/v1/users     | {"email": "b@b.com", "name": "Bea"} | CreateUser |    | b@b.com  | Bea  |
        | GET /api/v1/users/x    |                                     | GetUser    | x  |          |      |
        | PUT /api/v1/users/x    | {"name": "Bea"}                     | UpdateUser | x  | (absent) | Bea  |
        | DELETE /api/v1/users/x |                                     | DeleteUser | x  |          |      |

    Scenario Outline: With Accept <accept> bodies are JSON
      Given a user "Ada"
      Then with `accept: <accept>` each of these is answered as listed
        | request                         | body                                | status |
        | GET /api/v1/users               |                                     | 200    |
        | POST /api/v1/users              | {"email": "b@b.com", "name": "Bea"} | 201    |
        | GET /api/v1/users/{Ada's id}    |                                     | 200    |
        | PUT /api/v1/users/{Ada's id}    | {"name": "Ada Byron"}               | 200    |
        | DELETE /api/v1/users/{Ada's id} |                                     | 204    |

      Examples:
        | accept                                                |
        | text/html                                             |
        | application/xml                                       |
        | text/html,application/xhtml+xml,application/xml;q=0.9 |
        | image/png, text/*                                     |

    Scenario: A body of JSON may name its charset
      Then as `application/json; charset=utf-8` each of these makes the call
        | request             | body                                        | call       | email    | name        |
        | POST /api/v1/users  | {"email": "a@b.com", "name": "Ada{U+00E9}"} | CreateUser | a@b.com  | Ada{U+00E9} |
        | PUT /api/v1/users/x | {"name": "Ada{U+00E9}"}                     | UpdateUser | (absent) | Ada{U+00E9} |

    Scenario Outline: A body that comes in pieces <how> is read as a whole
      When a body is sent in pieces <how> that split a character
      Then the user service got CreateUser with
        | field      | value                           |
        | email      | pieces@example.com              |
        | name       | Ada {U+00E9} {U+20AC} {U+1F600} |
        | metadata.k | {U+1F600}{U+00E9}               |

      Examples:
        | how             |
        | with its length |
        | in chunks       |

    Scenario: A create passes on every member
      When `POST /api/v1/users` is sent with
        """
        {"email": "Ada@Example.com", "name": "  Ada \u00e9 ", "password": "correct \"horse\"",
         "metadata": {"title": "Countess", "": "none", "k\u2028": "\ud83d\ude00", "__proto__": "a",
         "constructor": "b", "hasOwnProperty": "c", "Title": "d"}}
        """
      Then the user service got CreateUser with
        | field                   | value                                |
        | email                   | Ada@Example.com                      |
        | name                    | {U+0020}{U+0020}Ada {U+00E9}{U+0020} |
        | password                | correct "horse"                      |
        | metadata.title          | Countess                             |
        | metadata.               | none                                 |
        | metadata.k{U+2028}      | {U+1F600}                            |
        | metadata.__proto__      | a                                    |
        | metadata.constructor    | b                                    |
        | metadata.hasOwnProperty | c                                    |
        | metadata.Title          | d                                    |

    Scenario: A member that is missing or null counts as empty
      Then each of these makes the call
        | request            | body                                                                                    | call       | email   | name | password      | metadata        |
        | POST /api/v1/users | {}                                                                                      | CreateUser |         |      |               | {}              |
        | POST /api/v1/users | {"email": null, "name": null, "password": null, "metadata": null}                       | CreateUser |         |      |               | {}              |
        | POST /api/v1/users | {"email": "a@b.com", "name": "Ada"}                                                     | CreateUser | a@b.com | Ada  |               | {}              |
        | POST /api/v1/users | {"email": "a@b.com", "name": "Ada", "password": "", "metadata": {}}                     | CreateUser | a@b.com | Ada  |               | {}              |
        | POST /api/v1/users | {"email": "", "name": "Ada", "password": "correct horse", "metadata": {"key": "value"}} | CreateUser |         | Ada  | correct horse | {"key":"value"} |

    Scenario: A member that is missing is answered for by the user service
      Then each of these is answered as listed
        | request            | body                              | status | error             |
        | POST /api/v1/users | {"name": "Ada"}                   | 400    | email is required |
        | POST /api/v1/users | {"email": null, "name": "Ada"}    | 400    | email is required |
        | POST /api/v1/users | {"email": "a@b.com"}              | 400    | name is required  |
        | POST /api/v1/users | {"email": "a@b.com", "name": " "} | 400    | name is required  |

    Scenario: A delete is answered without a body
      Given a user "Ada"
      When `DELETE /api/v1/users/{Ada's id}` is requested
      Then the answer is 204 without a body
      And `GET /api/v1/users/{Ada's id}` is answered with 404

  Rule: GWY-2 A user has seven members, a list three
    `{"user": {...}}` for one; `{"users": [...], "next_page_token": "...", "total_count": n}` for a
    list. User fields: `id`, `email`, `name`, `status` (`USER_STATUS_ACTIVE`), `created_at`,
    `updated_at` (RFC 3339 in UTC, `Z` or `+00:00`, at least milliseconds), `metadata` (an object,
    always present, unchanged whatever its keys). An error may have further members.

    Scenario Outline: The answer of <route> shows the user in full
      Given the user service has the user
        | field      | value                                 |
        | id         | u-1/{U+00E9}                          |
        | email      | Ada+1@Example.com                     |
        | name       | "Ada" \\ {U+2028}{U+003C}/b>{U+1F600} |
        | status     | SUSPENDED                             |
        | created_at | 1815-12-10T01:02:03.004005006Z        |
        | updated_at | 2026-02-28T23:59:59.999Z              |
        | metadata   | {"title": "Countess", "a b": ""}      |
      When `<route>` is sent with `<body>`
      Then the answer shows that user

      Examples:
        | route                 | body |
        | GET /api/v1/users/any |      |
        | POST /api/v1/users    | {}   |
        | PUT /api/v1/users/any | {}   |
        | GET /api/v1/users     |      |

    Scenario Outline: A user's <field> is shown when it is <value>
      Given the user service has the user
        | field   | value   |
        | <field> | <value> |
      When `GET /api/v1/users/any` is requested
      Then the answer shows that user

      Examples:
        | field      | value                                                                                    |
        | status     | ACTIVE                                                                                   |
        | status     | INACTIVE                                                                                 |
        | status     | SUSPENDED                                                                                |
        | metadata   | {}                                                                                       |
        | metadata   | {"__proto__": "a", "constructor": "b", "toString": "c", "": "d", "Key": "e", "key": "f"} |
        | name       | {U+0001}{U+007F}{U+0085}                                                                 |
        | created_at | 1970-01-01T00:00:00Z                                                                     |
        | created_at | 1969-12-31T23:59:59.5Z                                                                   |
        | created_at | 0001-01-01T00:00:00Z                                                                     |
        | created_at | 9999-12-31T23:59:59Z                                                                     |
        | updated_at | 2026-11-24T10:00:00Z                                                                     |
        | updated_at | 2026-11-24T10:00:00.1Z                                                                   |
        | updated_at | 2024-02-29T12:00:00.000000001Z                                                           |

    Scenario: A list shows its users in their order, its token and its count
      Given the user service has 3 users, a further page and 70 in all
      When `GET /api/v1/users?page_size=3` is requested
      Then the answer shows those users, their token and their count

    Scenario: A list without users is an empty list
      When `GET /api/v1/users?filter=name%3Dnobody` is requested
      Then the answer is 200 with the body `{"users": [], "next_page_token": "", "total_count": 0}`

    Scenario: A password is never shown
      When `POST /api/v1/users` is sent with `{"email": "a@b.com", "name": "Ada", "password": "never seen again"}`
      Then the answer shows the user without `never seen again`
