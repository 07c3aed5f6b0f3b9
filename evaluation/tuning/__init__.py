"""Fitting blend weights, depth and calibration to judged questions."""
