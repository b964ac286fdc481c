@user-service
Feature: Subscribers that do not read

  A client that takes no messages lets its server send 64 KiB, the smallest window of HTTP/2; what is
  changed here is many times as much. The cost of a subscriber's queue is the difference to the same load without a slow
  subscriber; a program is allowed, on top of the 64 MiB, what allocators keep (32 MiB).

  Rule: STR-4 A slow subscriber harms nobody, and misses nothing silently
    A subscriber that does not read, or reads slowly, gets its updates late or is ended with
    RESOURCE_EXHAUSTED; it never silently misses one, others get theirs within 2 s meanwhile, and
    its backlog costs the service at most 64 MiB.

    Scenario: A subscriber that reads again gets everything, or is ended
      Given 3 users named "Ada"
      And a stream "Idle" of users with `name={Ada's name}` is open, which is not read
      And the users named "Ada" were changed 1500 times by 8 clients, each time with 16 KiB of metadata
      When the stream "Idle" is read again
      Then the stream "Idle" delivers every change since, in order, each once, or ends with RESOURCE_EXHAUSTED
      And requests succeed

    Scenario: A subscriber that reads slowly gets everything, or is ended
      Given 3 users named "Ada"
      And a stream "Slow" of users with `name={Ada's name}` is open, which takes one message every 4 ms
      And the users named "Ada" were changed 1500 times by 8 clients, each time with 16 KiB of metadata
      When the stream "Slow" is read again
      Then the stream "Slow" delivers every change since, in order, each once, or ends with RESOURCE_EXHAUSTED
      And requests succeed

    Scenario: Others receive changes in time while one does not read
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And a stream "Idle" of users with `name={Ada's name}` on the first instance is open, which is not read
      And a stream "Here" of users with `name={Ada's name}` on the first instance is open
      And a stream "There" of users with `name={Ada's name}` on the second instance is open
      When the users named "Ada" are changed 300 times by 4 clients on both instances, each time with 16 KiB of metadata
      Then the stream "Here" delivers every change since, in order, each once
      And the stream "Here" has delivered each change within 2 s of its answer
      And the stream "There" delivers every change since, in order, each once
      And the stream "There" has delivered each change within 2 s of its answer

    @slow
    Scenario: The memory for a subscriber that does not read is bounded
      Given a deployment of its own
      And 8 users named "Ada"
      And 2 users named "Bea"
      And a stream "Here" of users with `name={Bea's name}` is open
      And the users named "Ada" were changed 6600 times by 8 clients, each time with 16 KiB of metadata
      And the program's memory under this load is known
      And a stream "Idle" of users with `name={Ada's name}` is open, which is not read
      When the users named "Ada" are changed 6600 times by 8 clients, each time with 16 KiB of metadata
      And the users named "Bea" are changed 2 times by 2 clients
      Then the stream "Here" delivers every change since, in order, each once
      And the memory of the program has grown by less than 64 MiB since that load
      And requests succeed
