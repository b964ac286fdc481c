@user-service @gateway
Feature: Listing users

  Rule: USR-12 A list comes in pages that know where they end
    ListUsers: page_size 0 or less means 20, above 100 means 100. `next_page_token` is empty exactly
    on the last page. `total_count` counts all users that match the filter, as exact and as fresh as
    USR-11.

    Scenario: A page_size of 0 or less means 20
      Given 25 users named "Grace"
      When the users named "Grace" are listed with the page sizes 0, -1, -20, -2147483648
      Then the pages hold 20, 20, 20, 20 users

    Scenario: A page_size above 100 means 100
      Given 105 users named "Grace"
      When the users named "Grace" are listed with the page sizes 101, 105, 1000, 2147483647
      Then the pages hold 100, 100, 100, 100 users

    Scenario: A page_size from 1 to 100 is the number of users on a page
      Given 101 users named "Grace"
      When the users named "Grace" are listed with the page sizes 1, 2, 19, 21, 50, 99, 100
      Then the pages hold 1, 2, 19, 21, 50, 99, 100 users

    Scenario Outline: <users> users in pages of <page_size> end with page <pages>
      Given <users> users named "Grace"
      When the users named "Grace" are listed page by page with
        | field     | value       |
        | page_size | <page_size> |
      Then the list takes <pages> pages
      And the pages hold every user named "Grace" exactly once
      And every page's total_count is <users>

      Examples:
        | users | page_size | pages |
        | 0     | 10        | 1     |
        | 1     | 1         | 1     |
        | 2     | 1         | 2     |
        | 9     | 10        | 1     |
        | 10    | 10        | 1     |
        | 11    | 10        | 2     |
        | 20    | 0         | 1     |
        | 20    | 10        | 2     |
        | 21    | 10        | 3     |
        | 100   | 101       | 1     |

    Scenario: Filters count as well: total_count is of the users that match, on every page
      Given 12 users named "Grace", 7 of them SUSPENDED
      When the users named "Grace" are listed page by page with
        | field     | value     |
        | status    | SUSPENDED |
        | page_size | 3         |
      Then the list takes 3 pages
      And every page's total_count is 7

    Scenario: Without a filter total_count counts all users
      Given a deployment of its own
      And 12 users named "Grace", 7 of them SUSPENDED
      And a user "Ada"
      When all users are listed page by page with
        | field     | value |
        | page_size | 5     |
      Then the list takes 3 pages
      And every page's total_count is 13

    Scenario: total_count is exact at once on every instance, after each create, update and delete
      Given a deployment of its own
      And a second instance
      And 5 users named "Grace"
      When users named "Grace" are created, suspended and deleted 4 times each, on both instances in turn, and counted on both after each
      Then every count is exact

    Scenario: Users on a page are shown in full
      Given a user "Ada" with
        | field          | value     |
        | status         | SUSPENDED |
        | metadata.title | countess  |
        | metadata.born  | 1815      |
      When the users named "Ada" are listed
      Then the page holds 1 user
      And every user on the page is as last acknowledged
