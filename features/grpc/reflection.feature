@user-service
Feature: gRPC reflection

  Rule: GRP-2 Reflection shows the interface
    Server reflection (v1 or v1alpha) lists the services; its descriptors, which can be had with
    every file that they import, have the services, methods, messages, fields (name, number, type,
    presence) and enum values of user.proto. Options, comments, JSON names and file path are free.

    Scenario: Reflection lists the users' service
      When reflection is queried for the services
      Then it lists "user.v1.UserService"

    Scenario Outline: The descriptors have the <what> of user.proto
      When reflection is queried for every symbol of user.proto
      Then the descriptors have the <what> of user.proto

      Examples:
        | what                 |
        | services and methods |
        | messages             |
        | fields               |
        | values of enums      |
