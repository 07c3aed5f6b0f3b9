"""Documents and questions to try Resift on: a parts catalogue, and Python's own documentation."""
