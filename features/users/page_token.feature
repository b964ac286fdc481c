@user-service
Feature: Page tokens

  Rule: USR-15 A page_token is good everywhere, for its own list alone
    page_token is opaque, at most 2,048 characters, and good on every instance, after a restart and
    without Redis. One that is no token, or is used with another filter or order_by, gives
    INVALID_ARGUMENT `page_token is invalid`; a tampered one gives that, or a page of users that
    match the filter, never INTERNAL. Page size may change between pages.

    @gateway
    Scenario: A token is good on every instance
      Given a deployment of its own
      And a second instance
      And 12 users named "Grace"
      When the users named "Grace" are listed page by page on both instances in turn with
        | field     | value |
        | page_size | 3     |
      Then the list takes 4 pages
      And the pages hold every user named "Grace" exactly once

    @gateway
    Scenario: A token is good after a restart
      Given a deployment of its own
      And 12 users named "Grace"
      And the first page of the users named "Grace" was listed with
        | field     | value |
        | page_size | 5     |
      And every instance was killed and started again
      When the further pages are listed
      Then the list takes 3 pages
      And the pages hold every user named "Grace" exactly once

    Scenario: A token is good without Redis
      Given a deployment of its own
      And 12 users named "Grace"
      And the first page of the users named "Grace" was listed with
        | field     | value |
        | page_size | 5     |
      And Redis is cut
      When the further pages are listed
      Then the list takes 3 pages
      And the pages hold every user named "Grace" exactly once

    @gateway
    Scenario: A token is good more than once
      Given 12 users named "Grace"
      And the first page of the users named "Grace" was listed with
        | field     | value |
        | page_size | 5     |
      When the second page is listed 3 times
      Then every call succeeds
      And every answer holds the same users

    @gateway
    Scenario Outline: A token works for the longest and for unusual text, in order of <order_by>
      Given 3 users named "Grace" with the longest name and the most metadata
      And a user named "Grace" for each of these emails
        | text                              |
        | {id}'"\\%_@b                      |
        | {id}{U+1F600}{U+FFFF}{U+10FFFF}@b |
        | {id}{U+00E9}e{U+0301}{U+200B}@b   |
        | {id}&=?#+/:;,@b                   |
        | {id}{"a":[1]}@b                   |
      When the users named "Grace" are listed page by page with
        | field     | value      |
        | order_by  | <order_by> |
        | page_size | 1          |
      Then the pages hold every user named "Grace" exactly once
      And the users come in the order <order_by>

      Examples:
        | order_by   |
        | email      |
        | email desc |
        | name       |

    @gateway
    Scenario: The page size may change between pages
      Given 25 users named "Grace"
      When the users named "Grace" are listed page by page with
        | field     | value       |
        | page_size | 3, 10, 1, 0 |
      Then the list takes 4 pages
      And the pages hold every user named "Grace" exactly once

    @gateway
    Scenario Outline: A token used with <what> is refused
      Given 6 users named "Grace"
      And the first page of the users named "Grace" was listed with
        | field     | value |
        | page_size | 3     |
      When the token is used with
        | field   | value   |
        | <field> | <value> |
      Then the call fails with INVALID_ARGUMENT and message "page_token is invalid"

      Examples:
        | what                         | field    | value                                 |
        | no filter                    | filter   |                                       |
        | a filter by another name     | filter   | name={id}                             |
        | a filter of the same status  | filter   | status=ACTIVE                         |
        | a filter with a further term | filter   | name={Grace's name} AND status=ACTIVE |
        | the order created_at desc    | order_by | created_at desc                       |
        | the order updated_at         | order_by | updated_at                            |
        | the order email              | order_by | email                                 |
        | the order name desc          | order_by | name desc                             |

    @gateway
    Scenario: A token of an ascending list is refused for the descending one
      Given 6 users named "Grace"
      And the first page of the users named "Grace" was listed with
        | field     | value     |
        | page_size | 3         |
        | order_by  | email asc |
      When the token is used with
        | field    | value      |
        | order_by | email desc |
      Then the call fails with INVALID_ARGUMENT and message "page_token is invalid"

    @gateway
    Scenario: A token of a list without a filter is refused for one with a filter
      Given a deployment of its own
      And 6 users named "Grace"
      And the first page of all users was listed with
        | field     | value |
        | page_size | 3     |
      When the token is used with
        | field  | value               |
        | filter | name={Grace's name} |
      Then the call fails with INVALID_ARGUMENT and message "page_token is invalid"

    @gateway
    Scenario: What is no token is refused
      Given 6 users named "Grace"
      When the users named "Grace" are listed with each of these page_tokens
        | text                                 |
        | x                                    |
        | 0                                    |
        | 2                                    |
        | -1                                   |
        | null                                 |
        | {U+0020}                             |
        | not a token                          |
        | AAAA                                 |
        | ====                                 |
        | MjA=                                 |
        | eyJvZmZzZXQiOjN9                     |
        | {"offset":3}                         |
        | eyJhbGciOiJub25lIn0.e30.             |
        | 0190a5c8-5c3f-7e2a-9d41-6f0e8b7c2d1a |
        | {id}                                 |
        | {Grace's name}                       |
        | 2024-01-01T00:00:00Z                 |
        | {U+0000}                             |
        | {U+1F600}{U+FFFF}                    |
        | %00                                  |
        | {3000 x A}                           |
        | {600 x {U+00E9}}                     |
      Then every call fails with INVALID_ARGUMENT and message "page_token is invalid"

    @gateway
    Scenario Outline: A token tampered with by <change> is refused or does no harm
      Given 6 users named "Grace"
      And a user "Ada"
      And the first page of the users named "Grace" was listed with
        | field     | value |
        | page_size | 3     |
      When the token is used with <change>
      Then every call fails with INVALID_ARGUMENT and message "page_token is invalid", or answers users named "Grace" alone

      Examples:
        | change                          |
        | each character changed in turn  |
        | each character left out in turn |
        | its end cut off at each length  |
        | text added before and behind    |
        | its letter case changed         |
