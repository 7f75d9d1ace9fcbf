"""Tests of server.webhook."""
