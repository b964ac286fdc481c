Feature: The page of metrics

  Rule: MET-1 Metrics are a page that Prometheus reads
    `/metrics`, asked without Accept, is Prometheus text 0.0.4; a scrape by Prometheus succeeds; the
    families of MET-2 have HELP and TYPE and pass `promtool check metrics`. Other families (a
    runtime's own) are free. Label `le` is compared as a number.

    @user-service @gateway
    Scenario: Without Accept the page is Prometheus text 0.0.4
      When `/metrics` is read without Accept
      Then the page is Prometheus text 0.0.4

    @user-service @gateway
    Scenario: The page stays readable when hostile text was sent in every place
      Given a deployment of its own
      When hostile text is sent in every place
      Then the page that is read then is Prometheus text 0.0.4

    @user-service
    Scenario: The families of a user service pass promtool
      Given a deployment of its own
      And a user "Ada"
      And requests of every kind were made
      When `/metrics` is read without Accept
      Then promtool accepts the families of the contract

    @gateway
    Scenario: The families of a gateway pass promtool
      Given a deployment of its own
      And requests of every kind were made
      When `/metrics` is read without Accept
      Then promtool accepts the families of the contract

    @user-service @gateway
    Scenario: A scrape by Prometheus succeeds
      Given a deployment of its own
      When Prometheus scrapes the program
      Then the scrape succeeds
