"""The report of an evaluation: content, page and plots."""
