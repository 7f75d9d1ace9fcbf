"""Fixtures of the Kubernetes client's tests."""

from tests.controller.kube.scripted import client, scripted

__all__ = ["client", "scripted"]
