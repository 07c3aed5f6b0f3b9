"""The stages of a cascade: scoring, ordering, metadata and diversity."""
