@user-service @gateway
Feature: Instances that may die

  Rule: CFG-9 A program holds nothing that must not be lost
    Stateless: killed with SIGKILL and started again, a program serves every acknowledged write.
    Several instances on the same resources behave as one.

    Scenario: A program that was killed in the middle of writes serves every acknowledged one
      Given a deployment of its own
      And clients write without pause
      When every instance is killed and started again
      Then every acknowledged write is served

    Scenario: When an instance dies, the other serves every acknowledged write
      Given a deployment of its own
      And a second instance
      And clients write without pause
      When the first instance is killed
      Then every acknowledged write is served

    Scenario: Two instances behave as one
      Given a deployment of its own
      And a second instance
      When 20 users are created, updated and deleted on both instances in turn
      Then every step saw the one before it
