"""A real Prometheus for the tests; what it scrapes and which rules it evaluates is the caller's part."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
import typing as t
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from tests.dashboards.tools import need
from tests.stage.keeper import free_ports

Job = dict[str, t.Any]


def job(name: str, port: int, *, path: str = "/metrics", honor_labels: bool = True, **labels: str) -> Job:
    """Return a scrape configuration.

    Args:
        name: of the job.
        port: of the target on this machine.
        path: where its metrics are.
        honor_labels: without it Prometheus renames labels that clash.
        labels: of the target, as a pod has some.
    """
    static = {"targets": [f"127.0.0.1:{port}"], "labels": labels}
    return {"job_name": name, "honor_labels": honor_labels, "metrics_path": path, "static_configs": [static]}


class Prometheus:
    """A server of its own for one test module; a context manager."""

    def __init__(self, folder: Path, jobs: Sequence[Job], rule_files: Sequence[str] = (), interval: str = "250ms"):
        """Write the configuration.

        Args:
            folder: an empty one.
            jobs: what is scraped, as `job` makes them.
            rule_files: paths of rules.
            interval: between scrapes and between evaluations.
        """
        (self.port,) = free_ports(1)
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": rule_files,
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self._arguments = [
            need("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--enable-feature=exemplar-storage",
            "--log.level=error",
        ]

    def __enter__(self) -> Prometheus:
        self._process = subprocess.Popen(self._arguments)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def get(self, path: str, **query: str) -> t.Any:
        """Return the data of an API answer; None while the server is not there."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
                reply = connection.getresponse()
            except ConnectionError:
                return None
            answer = json.loads(reply.read()) if reply.status != 503 else {}
            assert reply.status in (200, 503), answer
            return answer.get("data")

    def query(self, expression: str) -> list[t.Any]:
        """Return the result of an instant query."""
        answer = self.get("query", query=expression)
        return list(answer["result"]) if answer else []

    def value(self, expression: str) -> float | None:
        """Return the one value of an instant query; None when there is none."""
        result = self.query(expression)
        assert len(result) < 2, result
        return float(result[0]["value"][1]) if result else None

    def wait(self, what: str, condition: t.Callable[[], object], seconds: float = 20) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
            time.sleep(0.1)

    def alerts(self, state: str) -> dict[str, t.Any]:
        """Return the alerts of a state (pending or firing) by name; of several of one name the last."""
        found = self.get("alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in found if alert["state"] == state}
