"""Sample documents and questions: the docstrings of Python's standard library."""
