"""Watching folders, so that a collection is kept in step with them."""
