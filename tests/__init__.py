"""Tests; __init__.py in every folder, so that tests/model never hides model."""
