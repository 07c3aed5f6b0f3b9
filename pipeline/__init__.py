"""The two stages put together: one question in, one page of a ranking out."""
