Feature: A collector that fails

  Rule: TRC-7 A collector that fails delays no request and no stop
    With a collector that refuses or hangs, every request succeeds, none takes a second longer, and
    CFG-8 holds.

    @user-service @gateway
    Scenario Outline: Requests and the stop go on though the collector <fails>
      Given a deployment of its own whose collector <fails>
      And a user "Ada"
      And GetUser was called <number> times with a traceparent
      When the program receives SIGTERM
      Then the program exits gracefully within 6 s
      And every call is answered, and none takes a second longer

      Examples:
        | fails                  | number |
        | refuses connections    | 300    |
        | hangs                  | 1500   |
        | never answers          | 300    |
        | drops every connection | 200    |
        | fails with UNAVAILABLE | 200    |
        | answers after 3 s      | 200    |
        | rejects every span     | 200    |
