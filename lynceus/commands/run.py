"""`lynceus run`: the program itself, in a cluster or outside one."""

from __future__ import annotations

import typing as t
from pathlib import Path

import click

from lynceus import logs
from lynceus.commands.numbers import NumberRange
from lynceus.options import API_PORT, METRICS_PORT, RunOptions


def _listed(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return what was given in several options or with commas, each once."""
    return tuple(dict.fromkeys(name for text in given for part in text.split(",") if (name := part.strip())))


@click.command(context_settings={"auto_envvar_prefix": "LYNCEUS", "show_default": True})
@click.option(
    "--mode", type=click.Choice(["reconcile", "observe"]), default="reconcile", help="observe beside an Argo CD."
)
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), help="Default: in-cluster, else kubectl's."
)
@click.option("--allow-exec", is_flag=True, help="Start the credential plugin that the kubeconfig names.")
@click.option("--context", help="Context of the kubeconfig.")
@click.option("--namespace", "-n", default="argocd", help="The control namespace.")
@click.option(
    "--policy-mode", type=click.Choice(["strict", "compat"]), default="strict", help="compat answers as Argo CD does."
)
@click.option(
    "--argocd-metrics", type=click.Choice(["auto", "on", "off"]), default="auto", help="auto: on unless observing."
)
@click.option(
    "--metrics-application-labels", multiple=True, callback=_listed, help="Labels of Applications to export, by name."
)
@click.option(
    "--metrics-application-conditions", multiple=True, callback=_listed, help="Types of conditions to count; * for all."
)
@click.option(
    "--metrics-application-requests",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    help="Requests to API servers by Application; auto: up to 1,000 of them.",
)
@click.option(
    "--metrics-cluster-labels", multiple=True, callback=_listed, help="Labels of clusters' Secrets to export."
)
@click.option(
    "--metrics-applicationset-labels", multiple=True, callback=_listed, help="Labels of ApplicationSets to export."
)
@click.option(
    "--metrics-limit",
    type=click.IntRange(min=1_000),
    default=200_000,
    help="Series of one family by Application; of others a tenth.",
)
@click.option("--environment-label", default="environment", help="Label of Applications that names the environment.")
@click.option("--host", default="127.0.0.1", help="Address of metrics and API.")
@click.option("--metrics-port", default=METRICS_PORT, help="/metrics, /healthz, /readyz.")
@click.option("--api-port", default=API_PORT, help="/api/v1; 0 takes a free one.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help='token,user,"group1,group2" lines; without it the API is off.'
)
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("~/.cache/lynceus/git"),
    help="Git mirrors.",
)
@click.option(
    "--allow-scheme", "schemes", multiple=True, help="Also take repository URLs of this scheme: http or file."
)
@click.option(
    "--otlp-endpoint", envvar="OTEL_EXPORTER_OTLP_ENDPOINT", default="", help="Send traces there, OTLP over HTTP."
)
@click.option(
    "--trace-sample", type=NumberRange(0, 1), default=1.0, help="Share of the traces that are kept, each whole."
)
@click.option(
    "--audit-log",
    default="",
    show_default="among the log lines",
    help="Decisions, overrides and requests as JSON lines: a file, stderr or - (stdout).",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="From which level on."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Of the lines on stderr.")
def run(schemes: tuple[str, ...], log_level: str, log_format: str, cache_dir: Path, **values: t.Any) -> None:
    """Run Lynceus until SIGTERM or Ctrl-C.

    Every option can be given as an environment variable: LYNCEUS_NAMESPACE, LYNCEUS_METRICS_PORT, …
    """
    from controller.turn import trace_id
    from lynceus.wiring import serve_until_stopped

    logs.set_up(log_level, log_format, trace_id=trace_id)
    allowed = tuple(dict.fromkeys(("https", "ssh", *schemes)))
    serve_until_stopped(RunOptions(cache_dir=cache_dir.expanduser(), allow_schemes=allowed, **values))
