"""The stages of an ingestion, which work at the same time: read, compare and cut, encode, write."""
