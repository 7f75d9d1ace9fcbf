"""Prometheus rules: a PrometheusRule for the operator and plain rule files; exported by `lynceus alerts export`."""
