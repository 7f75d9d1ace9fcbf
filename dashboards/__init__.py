"""Grafana dashboards as JSON, one file per screen; read with importlib.resources, exported by `lynceus dashboards export`."""
