"""Encoders turn text into vectors: dense, BM25, learned sparse and per-token."""
