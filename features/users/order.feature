@user-service @gateway
Feature: The order of a list

  Rule: USR-13 A list is ordered by one field
    order_by is `created_at`, `updated_at`, `email` or `name`, then optionally ` asc` or ` desc`;
    default `created_at asc`; text is compared by Unicode code point; users that tie stand in an
    order that is the same on every page and instance. Anything else: INVALID_ARGUMENT
    `order_by is invalid`.

    Scenario Outline: Users come ordered by <order_by>
      Given 12 users named "Grace", changed since in another order than created
      When the users named "Grace" are listed page by page with
        | field     | value      |
        | order_by  | <order_by> |
        | page_size | 5          |
      Then the pages hold every user named "Grace" exactly once
      And the users come in the order <order_by>

      Examples:
        | order_by        |
        | created_at      |
        | created_at asc  |
        | created_at desc |
        | updated_at      |
        | updated_at asc  |
        | updated_at desc |
        | email           |
        | email asc       |
        | email desc      |

    Scenario: Without an order_by users come in the order of their creation
      Given 12 users named "Grace", changed since in another order than created
      When the users named "Grace" are listed page by page with
        | field     | value |
        | page_size | 5     |
      Then the pages hold every user named "Grace" exactly once
      And the users come in the order created_at asc

    Scenario Outline: Emails are compared by code point, for <order_by>
      Given a user named "Grace" for each of these emails
        | text             |
        | {id}a@b          |
        | {id}B@b          |
        | {id}Z@b          |
        | {id}_@b          |
        | {id}-b@b         |
        | {id}-a@b         |
        | {id}9@b          |
        | {id}10@b         |
        | {id}y@b          |
        | {id}{U+00E9}@b   |
        | {id}e{U+0301}@b  |
        | {id}f@b          |
        | {id}{U+00DF}@b   |
        | {id}ss@b         |
        | {id}{U+FF5E}@b   |
        | {id}{U+1F600}@b  |
        | {id}{U+E000}@b   |
        | {id}{U+10FFFF}@b |
        | {id}@b           |
        | {id}~@b          |
        | {id}{U+200B}@b   |
      When the users named "Grace" are listed with
        | field     | value      |
        | order_by  | <order_by> |
        | page_size | 100        |
      Then the page holds 21 users
      And the users come in the order <order_by>

      Examples:
        | order_by   |
        | email      |
        | email desc |

    Scenario Outline: Names are compared by code point, for <order_by>
      Given a deployment of its own
      And a user for each of these names
        | text       |
        | a          |
        | B          |
        | Z          |
        | aa         |
        | a{U+0020}b |
        | ab         |
        | A          |
        | {U+0020}z  |
        | {U+00A0}a  |
        | _a         |
        | -b         |
        | 9          |
        | 10         |
        | {U+00E9}   |
        | e{U+0301}  |
        | f          |
        | {U+00C4}   |
        | {U+00DF}   |
        | ss         |
        | {U+FF5E}   |
        | {U+1F600}  |
        | {U+E000}   |
        | {U+10FFFF} |
        | {U+200B}a  |
        | {U+00AD}b  |
      When all users are listed page by page with
        | field     | value      |
        | order_by  | <order_by> |
        | page_size | 7          |
      Then the list takes 4 pages
      And the users come in the order <order_by>

      Examples:
        | order_by  |
        | name asc  |
        | name desc |

    Scenario Outline: Users that tie for <order_by> stand in one order on every page and instance
      Given a deployment of its own
      And a second instance
      And 40 users named "Grace", changed since in another order than created
      When the users named "Grace" are listed page by page on both instances in turn with
        | field     | value      |
        | order_by  | <order_by> |
        | page_size | 7          |
      Then the pages hold every user named "Grace" exactly once
      And a single page of either instance has them in the same order

      Examples:
        | order_by  |
        | name      |
        | name desc |

    Scenario: Any other order_by is refused
      When users are listed with each of these order_bys
        | text                     |
        | id                       |
        | status                   |
        | metadata                 |
        | password                 |
        | createdAt                |
        | NAME                     |
        | Name                     |
        | name ASC                 |
        | name Desc                |
        | name descending          |
        | name asc desc            |
        | name{U+0020}{U+0020}desc |
        | name{U+0009}desc         |
        | {U+0020}name             |
        | name{U+0020}             |
        | name desc{U+0020}        |
        | asc                      |
        | {U+0020}desc             |
        | {U+0020}                 |
        | name,email               |
        | name asc, email desc     |
        | name,                    |
        | -name                    |
        | +name                    |
        | name:desc                |
        | name=desc                |
        | "name"                   |
        | users.name               |
        | 1                        |
        | name nulls first         |
        | name{U+000A}             |
        | name{U+0000}             |
        | n{U+0430}me              |
        | random()                 |
      Then every call fails with INVALID_ARGUMENT and message "order_by is invalid"

    @property
    Scenario: Any users come in any order as the model has it
      Given a deployment of its own
      And a second instance
      Then any users are listed in every order as the model orders them
