"""Tests of controller.sync."""
