"""Fixtures of the comparison tests."""

from tests.controller.compare.support import bench

__all__ = ["bench"]
