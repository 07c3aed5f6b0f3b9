"""The report of an evaluation: its content, an HTML page, and plots."""
