"""Models that turn one text into vectors."""
