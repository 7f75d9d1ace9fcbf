"""Whole behaviours of the loop, seen from outside, on the embedded and on the real cluster."""
