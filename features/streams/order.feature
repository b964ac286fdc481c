@user-service
Feature: Order of streams

  Commit order is that of the users' `updated_at`.

  Rule: STR-3 Updates of one user arrive in commit order, each exactly once
    Updates of one user arrive in commit order, each exactly once. (Between users the order is free.)

    Scenario: Changes of one user by many clients of one instance arrive in order
      Given 1 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` is open
      When the users named "Ada" are changed 300 times by 8 clients
      Then the stream "Watch" delivers every change since, in order, each once

    Scenario: Changes by many clients of two instances arrive in order, on both
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And a stream "Here" of users with `name={Ada's name}` on the first instance is open
      And a stream "There" of users with `name={Ada's name}` on the second instance is open
      When the users named "Ada" are changed 600 times by 12 clients on both instances
      Then the stream "Here" delivers every change since, in order, each once
      And the stream "There" delivers every change since, in order, each once

    Scenario: Large changes by many clients arrive in order
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` on the second instance is open
      When the users named "Ada" are changed 200 times by 8 clients on both instances, each time with 16 KiB of metadata
      Then the stream "Watch" delivers every change since, in order, each once

    Scenario: Changes whose commits take different times arrive, and in order
      Given a deployment of its own
      And a second instance
      And 5 users named "Ada"
      And the database takes up to 60 ms for each commit
      And a stream "Watch" of users with `name={Ada's name}` on the second instance is open
      When the users named "Ada" are changed 200 times by 12 clients on both instances
      Then the stream "Watch" delivers every change since, in order, each once
