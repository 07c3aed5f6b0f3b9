"""Fetching documents by their URLs: which addresses may be asked, how much and how long, and what robots.txt allows."""
