"""Cutting parsed documents into passages."""
