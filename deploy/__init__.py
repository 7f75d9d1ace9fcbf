"""Manifests: CRDs in crds/, read by the demo and by whoever sets up an empty cluster."""
