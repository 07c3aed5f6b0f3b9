"""From a parsed document to passages."""
