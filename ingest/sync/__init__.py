"""Keeping a collection in step with files: what it holds of each, and which of them have changed."""
