"""Judged test sets, and measures over what the pipeline answers to them."""
