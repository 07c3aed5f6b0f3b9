"""The second stage: rerankers, and the blend of their scores with those of retrieval."""
