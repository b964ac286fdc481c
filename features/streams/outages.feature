@user-service
Feature: Streams when a resource fails

  What a stream may lack when it has ended with UNAVAILABLE is the end of each user's changes, never one
  between others.

  Rule: STR-5 A stream goes on without missing an update, or ends with UNAVAILABLE
    Of outages: when Redis or the database goes away (for at most 30 s), a stream either goes on
    without missing an update (those made meanwhile arrive within 10 s of its return, with or
    without its data) or ends with UNAVAILABLE. While Redis or the database is away a new stream is
    accepted or refused with UNAVAILABLE. At shutdown streams end with UNAVAILABLE. A connection
    that breaks or is closed by the server counts as UNAVAILABLE, as gRPC's clients report it.

    Scenario Outline: Changes by others while <resource> is <away> for one instance are delivered when it is back
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` on the first instance is open
      And the users named "Ada" were changed 20 times by 2 clients on both instances
      And <resource> of the first instance has been <away> for 2 s
      And the users named "Ada" were changed <count> times by 6 clients on the second instance
      When <resource> of the first instance is restored
      And the users named "Ada" are changed 20 times by 2 clients on the second instance
      Then within 10 s the stream "Watch" delivers every change since, in order, each once, or has ended with UNAVAILABLE

      Examples:
        | resource     | away | count |
        | Redis        | cut  | 1200  |
        | Redis        | hung | 30    |
        | the database | cut  | 1200  |
        | the database | hung | 30    |

    Scenario Outline: Changes by an instance whose Redis is <away> are delivered by another
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` on the second instance is open
      And the users named "Ada" were changed 20 times by 2 clients on the first instance
      And Redis of the first instance has been <away> for 2 s
      And the users named "Ada" were changed 30 times by 3 clients on the first instance
      When Redis of the first instance is restored
      And the users named "Ada" are changed 20 times by 2 clients on the first instance
      Then within 10 s the stream "Watch" delivers every change since, in order, each once, or has ended with UNAVAILABLE

      Examples:
        | away |
        | cut  |
        | hung |

    Scenario Outline: Changes while Redis is <away> for all instances are delivered when it <returns> at the latest
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` on the second instance is open
      And the users named "Ada" were changed 20 times by 2 clients on both instances
      And Redis is <away>
      And the users named "Ada" were changed 30 times by 4 clients on both instances
      And the optional resource has been <away> for 2 s
      When Redis <returns>
      And the users named "Ada" are changed 20 times by 2 clients on both instances
      Then within 10 s the stream "Watch" delivers every change since, in order, each once, or has ended with UNAVAILABLE

      Examples:
        | away | returns          |
        | cut  | is restored      |
        | hung | is restored      |
        | cut  | comes back empty |

    Scenario Outline: After <resource> was <away> a stream that goes on delivers later changes
      Given a deployment of its own
      And 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` is open
      And the users named "Ada" were changed 20 times by 2 clients
      And <resource> has been <away> for 2 s
      And <resource> is restored
      And every unary call has succeeded again
      When the users named "Ada" are changed 30 times by 3 clients
      Then within 10 s the stream "Watch" delivers every change since, in order, each once, or has ended with UNAVAILABLE

      Examples:
        | resource              | away |
        | the required resource | cut  |
        | the required resource | hung |
        | every resource        | cut  |

    Scenario: After every resource dropped every connection a stream goes on, or has ended
      Given a deployment of its own
      And 3 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` is open
      And the users named "Ada" were changed 20 times by 2 clients
      And every resource has dropped every connection
      And every unary call has succeeded again
      When the users named "Ada" are changed 30 times by 3 clients
      Then within 10 s the stream "Watch" delivers every change since, in order, each once, or has ended with UNAVAILABLE

    Scenario Outline: A new stream is accepted or refused while <resource> is <away>
      Given a deployment of its own
      And a second instance
      And 3 users named "Ada"
      And <resource> of the first instance is <away>
      When a stream "New" of users with `name={Ada's name}` is requested for
      And the users named "Ada" are changed 30 times by 3 clients on the second instance
      And <resource> of the first instance is restored
      Then the stream "New" is open, or was refused with UNAVAILABLE
      And within 10 s the stream "New" delivers every change since, in order, each once, or has ended with UNAVAILABLE

      Examples:
        | resource     | away |
        | Redis        | cut  |
        | Redis        | hung |
        | the database | cut  |
        | the database | hung |

    @property @slow
    Scenario: Under any interleaving of outages, streams deliver every change or end
      Given a deployment of its own with
        | setting         | value |
        | REQUEST_TIMEOUT | 2s    |
      And a second instance
      Then any interleaving of writers, streams and outages is delivered completely, in order, each once

    Scenario Outline: At <signal> every stream ends with UNAVAILABLE
      Given a deployment of its own
      And 2 users named "Ada"
      And a stream "Watch" of users with `name={Ada's name}` is open
      And a stream "Silent" of users with `name=unknown-{id}` is open
      And the users named "Ada" were changed 10 times by 2 clients
      When the program receives <signal>
      Then every stream ends with UNAVAILABLE within 6 s
      And the program exits gracefully within 6 s

      Examples:
        | signal  |
        | SIGTERM |
        | SIGINT  |
