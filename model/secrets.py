"""Repository, credential-template and cluster Secrets (label argocd.argoproj.io/secret-type), never printed.

Source: Argo CD docs, "Declarative Setup"; util/db. Only fields from an allow-list are read; execProviderConfig and
awsAuthConfig run programs or reach cloud accounts, and are refused unless an operator names them.
"""

from __future__ import annotations

import typing as t

import msgspec

SECRET_TYPE_LABEL = "argocd.argoproj.io/secret-type"  # noqa: S105 - a label key, not a secret
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
IN_CLUSTER_NAME = "in-cluster"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What may be sent to a Git server or chart repository. repr() shows no value."""

    username: str = ""
    password: str = ""
    bearer_token: str = ""
    ssh_private_key: str = ""
    tls_client_cert_data: str = ""
    tls_client_cert_key: str = ""
    insecure: bool = False

    def __repr__(self) -> str:
        return "Credentials(…)"

    @property
    def empty(self) -> bool:
        """True when there is nothing to authenticate with."""
        return not (
            self.username or self.password or self.bearer_token or self.ssh_private_key or self.tls_client_cert_data
        )


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A Secret of type repository, or (template=True) repo-creds, whose URL is a prefix."""

    url: str
    type: t.Literal["git", "helm", "oci"] = "git"
    name: str = ""
    project: str = ""
    template: bool = False
    credentials: Credentials = Credentials()


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A Secret of type cluster; without any, the cluster we run in exists as in-cluster."""

    name: str
    server: str
    namespaces: tuple[str, ...] = ()
    """Empty: the whole cluster."""
    cluster_resources: bool = False
    project: str = ""
    labels: dict[str, str] = {}
    config: dict[str, t.Any] = {}

    def __repr__(self) -> str:
        return f"Cluster(name={self.name!r}, server={self.server!r})"


class WebhookSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What Git servers prove their webhooks with; empty text switches a provider off. repr() shows no value.

    Source: Argo CD docs, "Git Webhook Configuration": the keys webhook.* of the Secret argocd-secret.
    """

    github: str = ""
    """webhook.github.secret."""
    gitlab: str = ""
    """webhook.gitlab.secret."""
    gogs: str = ""
    """webhook.gogs.secret; also for Gitea and Forgejo."""
    bitbucket: str = ""
    """webhook.bitbucket.uuid."""
    bitbucketserver: str = ""
    """webhook.bitbucketserver.secret."""
    azure_username: str = ""
    """webhook.azuredevops.username."""
    azure_password: str = ""
    """webhook.azuredevops.password."""

    def __repr__(self) -> str:
        return "WebhookSecrets(…)"
