"""Ingestion in the background: the records of jobs, which outlive the engine, and what runs them."""
