"""Tune the ranking of a collection: signal weights, reranking depth and calibration."""
