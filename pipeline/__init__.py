"""The whole path of a question: one request in, one page of hits out."""
