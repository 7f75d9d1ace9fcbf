"""A real Prometheus that scrapes one target each second and evaluates the rules of the day."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
import typing as t
import urllib.parse
from pathlib import Path

from tests.dashboards.tools import need
from tests.day import rules
from tests.day.ports import free_port


class Prometheus:
    """A server of its own for one test module; a context manager."""

    def __init__(self, folder: Path, target: int, *, honor_labels: bool = True) -> None:
        """Write the configuration.

        Args:
            folder: an empty one.
            target: port of /metrics on this machine.
            honor_labels: as in a scrape configuration; without it Prometheus renames labels that clash.
        """
        self.port = free_port()
        static = {"targets": [f"127.0.0.1:{target}"], "labels": {"namespace": "monitored"}}
        job = {"job_name": "lynceus", "honor_labels": honor_labels, "static_configs": [static]}
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": rules.write(folder),
            "scrape_configs": [job],
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
