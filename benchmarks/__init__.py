"""Measurements: quality on judged sets, and speed side by side with peers. README.md has the figures."""
