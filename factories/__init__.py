"""From settings to a running engine: stores, encoders, rerankers."""
