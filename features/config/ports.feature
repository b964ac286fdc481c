Feature: Ports

  Rule: CFG-3 A program serves on the ports given, or not at all
    Port binding: the program serves on the ports given, on all interfaces (seen on two local
    addresses). A port already taken stops it as in CFG-2, naming the port.

    Scenario Outline: What is served on <variable> is served on all interfaces
      When <variable> is requested on two local addresses
      Then both addresses answer

      @user-service @gateway
      Examples:
        | variable     |
        | PORT         |
        | METRICS_PORT |

      @user-service
      Examples:
        | variable  |
        | GRPC_PORT |

    Scenario Outline: A <variable> that <holder> holds stops the program
      Given a prepared deployment
      And the <variable> is held by <holder>
      When the program is started
      Then the program stops within 5 s, with an exit status other than 0
      And a line at level ERROR names the port of <variable>

      @user-service @gateway
      Examples:
        | variable     | holder           |
        | PORT         | another instance |
        | METRICS_PORT | another instance |

      @user-service
      Examples:
        | variable  | holder           |
        | GRPC_PORT | another instance |
        | GRPC_PORT | another program  |

      @gateway
      Examples:
        | variable | holder          |
        | PORT     | another program |
