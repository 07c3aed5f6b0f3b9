"""The embedded store, on qdrant-edge."""
