"""The options by which a command reads a cluster instead of files, and the reading itself.

Add `@cluster_options` and take one argument `cluster: ClusterChoice`.
"""

from __future__ import annotations

import functools
import typing as t

import click
import msgspec

if t.TYPE_CHECKING:
    from lynceus.bundle import Live


class ClusterChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about the cluster."""

    live: bool
    kubeconfig: str | None
    context: str | None
    allow_exec: bool
    namespace: str
    """The control namespace; also of questions on files."""

    @property
    def chosen(self) -> bool:
        """Whether a cluster is to be read at all."""
        return self.live or self.kubeconfig is not None or self.context is not None

    def read(self, *, applications: bool = True, clusters: bool = True) -> Live:
        """Read it, and print on stderr what could not be read; InvalidSettings in one line when it cannot be."""
        from lynceus.live import read_live

        found = read_live(
            self.kubeconfig,
            self.namespace,
            context=self.context,
            allow_exec=self.allow_exec,
            applications=applications,
            clusters=clusters,
        )
        for note in found.notes:
            click.echo(f"lynceus: note: {note}", err=True)
        return found


F = t.TypeVar("F", bound=t.Callable[..., t.Any])


def cluster_options(command: F) -> F:
    """Add --live, --kubeconfig, --context, --allow-exec and --namespace."""

    @functools.wraps(command)
    def wrapped(
        *args: t.Any,
        live: bool,
        kubeconfig: str | None,
        context: str | None,
        allow_exec: bool,
        control_namespace: str,
        **kwargs: t.Any,
    ) -> t.Any:
        choice = ClusterChoice(
            live=live, kubeconfig=kubeconfig, context=context, allow_exec=allow_exec, namespace=control_namespace
        )
        return command(*args, cluster=choice, **kwargs)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return t.cast("F", wrapped)


_OPTIONS = (
    click.option("--live", is_flag=True, help="Read the cluster of the current kubeconfig, or the one we run in."),
    click.option("--kubeconfig", metavar="F", help="Read the cluster of this kubeconfig."),
    click.option("--context", metavar="C", help="Context of the kubeconfig."),
    click.option("--allow-exec", is_flag=True, help="Start the credential plugin that the kubeconfig names."),
    click.option(
        "--namespace", "--control-namespace", "-n", "control_namespace", default="argocd", show_default=True,
        help="The control namespace.",
    ),
)  # fmt: skip
