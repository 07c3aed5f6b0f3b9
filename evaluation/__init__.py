"""Measure search quality on judged queries: systems compared, depths swept, rankings tuned."""
