"""What a client starts as `resift serve`: a small process that passes lines between the client and the engine."""
