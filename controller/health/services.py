"""Service, Ingress, PersistentVolumeClaim, APIService. Pure. Source: gitops-engine pkg/health."""

from __future__ import annotations

from controller.health.state import condition, degraded, healthy, items, part, progressing, text, unknown
from model.application import HealthState
from model.meta import JSON


def service(obj: JSON) -> HealthState:
    """A load balancer has its address; other services are healthy by being there."""
    if part(obj, "spec").get("type") != "LoadBalancer" or items(obj, "status", "loadBalancer", "ingress"):
        return healthy()
    return progressing("Waiting for the load balancer to get an address (status.loadBalancer.ingress is empty)")


def ingress(obj: JSON) -> HealthState:
    """An ingress controller has written an address."""
    if items(obj, "status", "loadBalancer", "ingress"):
        return healthy()
    return progressing("Waiting for an ingress controller to write an address (status.loadBalancer.ingress is empty)")


def claim(obj: JSON) -> HealthState:
    """Bound, waiting or lost."""
    phase = text(part(obj, "status"), "phase")
    if phase == "Bound":
        return healthy()
    if phase == "Pending":
        return progressing("Waiting for the claim to be bound")
    return degraded("The volume of the claim is lost") if phase == "Lost" else unknown()


def api_service(obj: JSON) -> HealthState:
    """Available, or why not."""
    found = condition(obj, "Available")
    message = f"{text(found, 'reason')}: {text(found, 'message')}"
    if found.get("status") == "True":
        return healthy(message)
    return progressing(message if found else "Waiting to be processed")
