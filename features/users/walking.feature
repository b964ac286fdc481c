@user-service @gateway
Feature: Walking all pages while others write

  Rule: USR-16 A walk meets every lasting user exactly once
    Walking all pages returns every user that exists throughout the walk exactly once (order by
    created_at, email or name; their own email and name unchanged meanwhile), whatever others are
    created, changed or deleted meanwhile.

    Scenario Outline: In order of <order_by> the pages hold every stable user once while <meanwhile>
      Given 24 users named "Grace"
      When the users named "Grace" are listed page by page in order of <order_by> with page_size 5, and after each page <meanwhile>
      Then the pages hold every stable user named "Grace" exactly once

      Examples:
        | order_by        | meanwhile                                   |
        | created_at      | the last user seen is deleted               |
        | created_at desc | the last user seen is deleted               |
        | email           | the last user seen is deleted               |
        | email desc      | the last user seen is deleted               |
        | name            | the last user seen is deleted               |
        | created_at      | all users seen are deleted                  |
        | email           | all users seen are deleted                  |
        | created_at      | 3 users are created                         |
        | created_at desc | 3 users are created                         |
        | email           | 3 users are created                         |
        | email desc      | 3 users are created                         |
        | name            | 3 users are created                         |
        | email           | the last user seen moves to the far end     |
        | email           | the next user to come moves to the near end |
        | name            | the last user seen is renamed               |
        | created_at      | every stable user changes its status        |
        | email           | every stable user changes its status        |
        | name            | every stable user changes its status        |
        | name desc       | every stable user changes its metadata      |

    Scenario: Users created at the same moment are each met once
      Given 60 users named "Grace"
      When the users named "Grace" are listed page by page with
        | field     | value      |
        | order_by  | created_at |
        | page_size | 1          |
      Then the pages hold every user named "Grace" exactly once

    @property
    Scenario: Any list over all pages returns every stable user exactly once while others write
      Given a deployment of its own
      And a second instance
      Then any list over all pages returns every stable user exactly once while other clients write
