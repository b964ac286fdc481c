@user-service
Feature: Ids that name no user

  Rule: USR-8 An id that names no user is not found
    An id that names no user, whatever its shape, gives NOT_FOUND in GetUser, UpdateUser and
    DeleteUser; a second delete too.

    Scenario Outline: <method> with an id of any shape that names no user is NOT_FOUND
      Given a user "Ada"
      When <method> is called with each of these ids
        | text                                 |
        | 00000000-0000-0000-0000-000000000000 |
        | ffffffff-ffff-ffff-ffff-ffffffffffff |
        | 0190a5c8-5c3f-7e2a-9d41-6f0e8b7c2d1a |
        | 0190a5c8-5c3f-7e2a-9d41-6f0e8b7c2d1  |
        | 0190a5c8-5c3f-7e2a-9d41-6f0e8b7c2d1g |
        | 507f1f77bcf86cd799439011             |
        | 01ARZ3NDEKTSV4RRFFQ69G5FAV           |
        | 0                                    |
        | -1                                   |
        | 9223372036854775807                  |
        | 9223372036854775808                  |
        | 1e3                                  |
        | NaN                                  |
        | null                                 |
        | {U+0020}                             |
        | {U+3000}                             |
        | {U+0000}                             |
        | {U+000A}                             |
        | {id}                                 |
        | {Ada's email}                        |
        | {Ada's name}                         |
        | ../{id}                              |
        | {U+1F600}{U+10FFFF}                  |
        | {10000 x a}                          |
      Then every call fails with NOT_FOUND
      And "Ada" is still there, unchanged

      Examples:
        | method     |
        | GetUser    |
        | UpdateUser |
        | DeleteUser |

    Scenario Outline: <method> with the id of a user in any other spelling is NOT_FOUND
      Given a user "Ada"
      When <method> is called with the id of "Ada" in every other spelling
      Then every call fails with NOT_FOUND
      And "Ada" is still there, unchanged

      Examples:
        | method     |
        | GetUser    |
        | UpdateUser |
        | DeleteUser |

    @gateway
    Scenario: An update without any field of an id that names no user is NOT_FOUND
      When an unknown id is updated with no field
      Then the call fails with NOT_FOUND

    @gateway
    Scenario Outline: <method> of a deleted user is NOT_FOUND
      Given a user "Ada"
      And "Ada" was deleted
      When <method> is called with the id of "Ada"
      Then the call fails with NOT_FOUND

      Examples:
        | method     |
        | GetUser    |
        | UpdateUser |
        | DeleteUser |

    @gateway
    Scenario: A deleted user is not found by the id it had when its email is used again
      Given a user "Ada"
      And "Ada" was deleted
      And a user "Grace" with
        | field | value               |
        | email | {Ada's first email} |
      When GetUser is called with the id of "Ada"
      Then the call fails with NOT_FOUND
      And "Grace" is still there, unchanged

    @gateway
    Scenario: Of many deletes of one user at once exactly one succeeds
      Given a user "Ada"
      When "Ada" is deleted 20 times at once
      Then exactly one call succeeds, and every other fails with NOT_FOUND
      And "Ada" is gone

    @gateway
    Scenario: A delete removes its user and no other
      Given 3 users named "Grace"
      And a user "Ada"
      When "Ada" is deleted
      Then the call succeeds
      And "Ada" is gone
      And every user named "Grace" is still there, unchanged
