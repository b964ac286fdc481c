Feature: Health answers

  The suite runs programs with HEALTH_CACHE_TTL=500ms and HEALTH_CHECK_TIMEOUT=1s, so that what
  happens to a resource shows within 1500 ms.

  Rule: HLT-1 A program that runs is alive
    `GET /live` is 200 with `{"status":"alive"}`, within 2 s, as long as the process runs, whatever
    its resources do.

    @every-component
    Scenario: A program whose resources are up is alive
      When /live is requested
      Then the answer is 200 with `{"status":"alive"}`

    Scenario Outline: A program is alive while <resource> is <away>
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 20s   |
      When <resource> is <away>
      Then the program stays alive for 3 s

      @user-service @gateway
      Examples:
        | resource              | away |
        | the required resource | cut  |
        | the required resource | hung |

      @user-service
      Examples:
        | resource       | away |
        | every resource | hung |

  Rule: HLT-2 A health answer tells of the whole and of each component
    `GET /health` answers JSON (`Content-Type: application/json`, parameters free; `/ready` and
    `/live` too), complete from the first answer on: `status` (healthy, degraded, unhealthy),
    `components` (a list of `name`, `status`, `latency_ms`, and `error` only when not healthy),
    `version`, `timestamp` (RFC 3339, the time of the check, never in the future). Components:
    user-service `database`, `redis`; gateway `user-service`; operator `kubernetes`.

    @every-component
    Scenario: A healthy program lists its components, none with an error
      Given the program has become healthy
      When /health is requested
      Then the answer is a complete health answer
      And the answer's status is healthy
      And the answer reports no resource as unhealthy, and every other component as healthy

    Scenario Outline: The very first health answer is complete, <resource> being <away>
      Given a prepared deployment with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 3s    |
      And <resource> is <away>
      When the program is started
      Then the very first health answer is complete

      @user-service @gateway
      Examples:
        | resource              | away |
        | no resource           | cut  |
        | the required resource | hung |

    Scenario Outline: A program that is <status> reports which component is, and why
      Given a deployment of its own
      And <resource> is cut
      And the program has become <status>
      When /health is requested
      Then the answer is a complete health answer
      And the answer's status is <status>
      And the answer reports <resource> as <status>, and every other component as healthy

      @user-service @gateway
      Examples:
        | status    | resource              |
        | unhealthy | the required resource |

      @user-service
      Examples:
        | status   | resource              |
        | degraded | the optional resource |

    @every-component
    Scenario: A health answer's version is the program's SERVICE_VERSION
      Given a deployment of its own with
        | setting         | value      |
        | SERVICE_VERSION | 4.5.6-rc.1 |
      When /health is requested
      Then the answer's version is `4.5.6-rc.1`

  Rule: HLT-3 The whole is as healthy as its components, but for the optional ones
    A component that fails its check is unhealthy (this changes no other component's result), and so
    is the whole: `/health` and `/ready` are 503. Named in `HEALTH_OPTIONAL` it is degraded instead,
    and so is the whole unless another is unhealthy: `/health` is 207, `/ready` 200. All healthy:
    both 200. Degraded counts as ready wherever a clause says ready (SERVING in GRP-1).

    Scenario Outline: With <optional> as HEALTH_OPTIONAL and <resource> cut a program is <whole>
      Given a deployment of its own with
        | setting         | value      |
        | HEALTH_OPTIONAL | <optional> |
      When <resource> is cut
      Then the program is <whole> within 1500 ms
      And the program stays <whole> for 1 s

      @user-service
      Examples:
        | optional       | resource       | whole     |
        | (unset)        | no resource    | healthy   |
        | (unset)        | Redis          | degraded  |
        | (unset)        | the database   | unhealthy |
        | (unset)        | every resource | unhealthy |
        | none           | Redis          | unhealthy |
        | database       | the database   | degraded  |
        | database       | Redis          | unhealthy |
        | database,redis | every resource | degraded  |

      @gateway
      Examples:
        | optional     | resource         | whole     |
        | (unset)      | the user service | unhealthy |
        | none         | the user service | unhealthy |
        | user-service | no resource      | healthy   |
        | user-service | the user service | degraded  |

    Scenario Outline: With <optional> as HEALTH_OPTIONAL <resource> itself is reported as <status>
      Given a deployment of its own with
        | setting         | value      |
        | HEALTH_OPTIONAL | <optional> |
      And <resource> is cut
      And the program has become <status>
      When /health is requested
      Then the answer is a complete health answer
      And the answer's status is <status>
      And the answer reports <resource> as <status>, and every other component as healthy

      @user-service
      Examples:
        | optional | resource              | status    |
        | none     | the optional resource | unhealthy |
        | database | the required resource | degraded  |

      @gateway
      Examples:
        | optional     | resource              | status   |
        | user-service | the required resource | degraded |

    @user-service
    Scenario: In an unhealthy whole an optional component is degraded still
      Given a deployment of its own
      And every resource is cut
      And the program has become unhealthy
      When /health is requested
      Then the answer reports the required resource as unhealthy
      And the answer reports the optional resource as degraded

    @user-service
    Scenario: A program that is started without its optional resource is degraded, and ready
      Given a prepared deployment
      And the optional resource is cut
      When the program is started
      Then the program is degraded within 10 s

    @user-service
    Scenario: A database that takes connections but refuses every login fails its check
      Given a deployment of its own
      When the database refuses every login
      Then the program is unhealthy within 1500 ms
      And the program stays unhealthy for 1 s

  Rule: HLT-6 A latency is a number of milliseconds
    `latency_ms` is a number of milliseconds (erratum: the sample would print nanoseconds).

    Scenario Outline: The latency of a check of <resource> is reported in milliseconds
      Given a deployment of its own with
        | setting              | value |
        | HEALTH_CHECK_TIMEOUT | 5s    |
      When <resource> is slowed by 100 ms
      Then a check of <resource> that took 150 ms to 5 s finds it healthy within 5500 ms

      @user-service @gateway
      Examples:
        | resource              |
        | the required resource |

      @user-service
      Examples:
        | resource              |
        | the optional resource |
