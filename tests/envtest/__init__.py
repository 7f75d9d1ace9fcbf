"""Builds the real control plane for tests from public Go modules; nothing here is a test."""
