"""Tests of controller.sources."""
