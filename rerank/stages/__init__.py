"""The stages of a cascade: score, order, and what metadata and diversity change."""
