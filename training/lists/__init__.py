"""What a reranker learns from: lists of passages for a question, drawn from what was mined, and their targets."""
