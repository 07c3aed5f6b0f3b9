"""First stage: encoders, the store, filters, fusion, retrieval."""
