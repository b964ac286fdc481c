@cap:feature-flags
Feature: Feature flags

  Callers differ by their `x-user-id`; the only flag of every implementation is `stream-users`.

  Rule: CFG-10 A flag switches its feature off, or on for a share of its callers
    [cap: feature-flags] A flag that is off turns its feature off with a clear error, without a
    rebuild. A percentage goes by the call's `x-user-id` metadata (without one, or empty: on only at
    100 %): one id gets the same answer on every instance and after a restart, and of 1,000 ids the
    share is within 10 points. An unknown flag name is kept and ignored, by every program. Flag
    known to every implementation: `stream-users` (default on; off: StreamUsers fails with
    UNIMPLEMENTED).

    @user-service
    Scenario Outline: With stream-users=<value> StreamUsers is <open> for every caller
      Given a deployment of its own with
        | setting       | value                |
        | FEATURE_FLAGS | stream-users=<value> |
      Then StreamUsers is <open> for a caller without an id
      And StreamUsers is <open> for a caller with an empty id
      And StreamUsers is <open> for a caller with any id
      And requests succeed

      Examples:
        | value | open          |
        | on    | open          |
        | 100%  | open          |
        | off   | UNIMPLEMENTED |
        | 0%    | UNIMPLEMENTED |

    @user-service
    Scenario Outline: With FEATURE_FLAGS <given> StreamUsers is open
      Given a deployment of its own with
        | setting       | value   |
        | FEATURE_FLAGS | <given> |
      Then StreamUsers is open for a caller without an id
      And StreamUsers is open for a caller with any id
      And requests succeed

      Examples:
        | given                        |
        | (unset)                      |
        | dark-mode=on                 |
        | dark-mode=off,new-search=25% |

    @user-service
    Scenario: A flag is found among unknown ones
      Given a deployment of its own with
        | setting       | value                                    |
        | FEATURE_FLAGS | dark-mode=on,stream-users=off,stream=25% |
      Then StreamUsers is UNIMPLEMENTED for a caller without an id
      And StreamUsers is UNIMPLEMENTED for a caller with any id
      And requests succeed

    @user-service
    Scenario Outline: At <percent>% StreamUsers is open for such a share of its callers
      Given a deployment of its own with
        | setting       | value                   |
        | FEATURE_FLAGS | stream-users=<percent>% |
      Then of 1000 callers StreamUsers is open for <least> to <most>

      Examples:
        | percent | least | most |
        | 25      | 150   | 350  |
        | 60      | 500   | 700  |

    @user-service
    Scenario Outline: At a share below 100% StreamUsers is off for a caller <who>
      Given a deployment of its own with
        | setting       | value            |
        | FEATURE_FLAGS | stream-users=99% |
      Then StreamUsers is UNIMPLEMENTED for a caller <who>

      Examples:
        | who              |
        | without an id    |
        | with an empty id |

    @user-service
    Scenario: A caller gets the same answer on every instance, and after a restart
      Given a deployment of its own with
        | setting       | value            |
        | FEATURE_FLAGS | stream-users=50% |
      And a second instance
      And StreamUsers was called by 200 callers on both instances
      When every instance is killed and started again
      Then each caller gets the same answer again on both instances

    @user-service @gateway
    Scenario: A flag with an unknown name is ignored
      Given a prepared deployment with
        | setting       | value                                 |
        | FEATURE_FLAGS | dark-mode=on,new-search=25%,trial=off |
      When the program is started
      Then the program is ready within 10 s
      And requests succeed
