"""The user service: gRPC over PostgreSQL, with Redis to wake its streams."""
