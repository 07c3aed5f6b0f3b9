"""Sample documents and questions: a catalogue of car parts, and the docstrings of Python's standard library."""
