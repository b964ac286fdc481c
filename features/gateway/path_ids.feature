@gateway
Feature: Ids in paths

  Background:
    Given a deployment of its own

  Rule: GWY-8 An id is decoded once and passed on
    A path id is percent-decoded once and passed on as it is. One with an encoded slash, backslash,
    percent sign or control character, a `;`, a dot segment, invalid UTF-8 or over 1 KiB may get 301,
    400, 404 or 414 instead, from a layer before the router and then in any shape: never 5xx, never
    another route's effect, never a shortened or changed id.

    Scenario: An id is decoded once and passed on as it is
      Then each of these makes the call
        | request                              | body | call       | id                |
        | GET /api/v1/users/42                 |      | GetUser    | 42                |
        | GET /api/v1/users/%34%32             |      | GetUser    | 42                |
        | GET /api/v1/users/a%20b              |      | GetUser    | a b               |
        | GET /api/v1/users/a+b                |      | GetUser    | a+b               |
        | GET /api/v1/users/a%2Bb              |      | GetUser    | a+b               |
        | GET /api/v1/users/%C3%A9%f0%9f%98%80 |      | GetUser    | {U+00E9}{U+1F600} |
        | GET /api/v1/users/a%3Fb%23c%26d      |      | GetUser    | a?b#c&d           |
        | GET /api/v1/users/a:b@c=e,f          |      | GetUser    | a:b@c=e,f         |
        | GET /api/v1/users/~a-b_c.d!$'()*     |      | GetUser    | ~a-b_c.d!$'()*    |
        | GET /api/v1/users/%22%27%3C%3E       |      | GetUser    | "'<>              |
        | GET /api/v1/users/%7B%7D%7C%5E       |      | GetUser    | {}{U+007C}^       |
        | GET /api/v1/users/{1000 x a}         |      | GetUser    | {1000 x a}        |
        | GET /api/v1/users/USERS              |      | GetUser    | USERS             |
        | PUT /api/v1/users/a%20b%C3%A9%2B     | {}   | UpdateUser | a b{U+00E9}+      |
        | DELETE /api/v1/users/a%20b%C3%A9%2B  |      | DeleteUser | a b{U+00E9}+      |

    # Layers before the router refuse some ids, or strip what they take for path parameters: a servlet
    # container calls an encoded backslash, percent sign or control character suspicious. Routers redirect
    # to a clean path with 301, 307 or 308.
    Scenario: An unusual id is passed on or refused, and has no other effect
      Given a user "Ada"
      Then each of these is redirected, refused with 400, 404 or 414, or makes its own call with this id
        | request                                   | body            | call       | id                  |
        | GET /api/v1/users/100%25                  |                 | GetUser    | 100%                |
        | GET /api/v1/users/%2541                   |                 | GetUser    | %41                 |
        | GET /api/v1/users/%252F                   |                 | GetUser    | %2F                 |
        | PUT /api/v1/users/a%20b%2525              | {}              | UpdateUser | a b%25              |
        | DELETE /api/v1/users/a%20b%2525           |                 | DeleteUser | a b%25              |
        | GET /api/v1/users/a:b@c;d=e,f             |                 | GetUser    | a:b@c;d=e,f         |
        | DELETE /api/v1/users/{Ada's id};v=1       |                 | DeleteUser | {Ada's id};v=1      |
        | DELETE /api/v1/users/{Ada's id}%3Bv=1     |                 | DeleteUser | {Ada's id};v=1      |
        | GET /api/v1/users/a%2Fb                   |                 | GetUser    | a/b                 |
        | DELETE /api/v1/users/{Ada's id}%2F        |                 | DeleteUser | {Ada's id}/         |
        | DELETE /api/v1/users/x%2F..%2F{Ada's id}  |                 | DeleteUser | x/../{Ada's id}     |
        | PUT /api/v1/users/..%2Fusers%2F{Ada's id} | {"name": "Eve"} | UpdateUser | ../users/{Ada's id} |
        | GET /api/v1/users/..                      |                 | GetUser    | ..                  |
        | GET /api/v1/users/.                       |                 | GetUser    | .                   |
        | GET /api/v1/users/%2E%2E                  |                 | GetUser    | ..                  |
        | GET /api/v1/users/%2e                     |                 | GetUser    | .                   |
        | DELETE /api/v1/users/x/../{Ada's id}      |                 | (none)     |                     |
        | DELETE /api/v1/users/./{Ada's id}         |                 | (none)     |                     |
        | GET /api/v1/users/a%5Cb                   |                 | GetUser    | a\\b                |
        | GET /api/v1/users/%0D%0A                  |                 | GetUser    | {U+000D}{U+000A}    |
        | DELETE /api/v1/users/{Ada's id}%0A        |                 | DeleteUser | {Ada's id}{U+000A}  |
        | GET /api/v1/users/a%7F%C2%85              |                 | GetUser    | a{U+007F}{U+0085}   |
        | DELETE /api/v1/users/{Ada's id}%5C        |                 | DeleteUser | {Ada's id}\\        |
        | DELETE /api/v1/users/{Ada's id}%00        |                 | DeleteUser | {Ada's id}{U+0000}  |
        | GET /api/v1/users/%FF                     |                 | GetUser    | (any)               |
        | GET /api/v1/users/%C3                     |                 | GetUser    | (any)               |
        | DELETE /api/v1/users/%ED%A0%80            |                 | DeleteUser | (any)               |
        | GET /api/v1/users/{1025 x a}              |                 | GetUser    | {1025 x a}          |
        | DELETE /api/v1/users/{1025 x a}           |                 | DeleteUser | {1025 x a}          |
        | GET /api/v1/users/{3900 x a}              |                 | GetUser    | {3900 x a}          |
        | GET /api/v1/users/{6000 x a}              |                 | GetUser    | {6000 x a}          |
      And "Ada" is as before
