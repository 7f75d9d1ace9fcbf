"""Grafana dashboards as JSON, one file per screen; exported by `lynceus dashboards export`."""
