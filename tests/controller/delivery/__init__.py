"""Tests of controller.delivery."""
