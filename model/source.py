"""The `source` block of an Application: repository, path, revision and the options of each render tool.

Source: Argo CD pkg/apis/application/v1alpha1/types.go, ApplicationSource. Data only; model.application re-exports it.
"""

from __future__ import annotations

import msgspec

from model.meta import JSON, Wire


class HelmParameter(Wire, frozen=True, kw_only=True):
    """source.helm.parameters[]: one --set or --set-string."""

    name: str = ""
    value: str = ""
    force_string: bool = False


class HelmFileParameter(Wire, frozen=True, kw_only=True):
    """source.helm.fileParameters[]: one --set-file."""

    name: str = ""
    path: str = ""


class HelmSource(Wire, frozen=True, kw_only=True):
    """source.helm."""

    value_files: list[str] | None = None
    parameters: list[HelmParameter] | None = None
    file_parameters: list[HelmFileParameter] | None = None
    release_name: str = ""
    values: str = ""
    values_object: JSON | None = None
    version: str = ""
    pass_credentials: bool = False
    ignore_missing_value_files: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    kube_version: str = ""
    api_versions: list[str] | None = None
    namespace: str = ""


class KustomizeReplica(Wire, frozen=True, kw_only=True):
    """source.kustomize.replicas[]."""

    name: str = ""
    count: int | str = 0


class KustomizeSource(Wire, frozen=True, kw_only=True):
    """source.kustomize."""

    name_prefix: str = ""
    name_suffix: str = ""
    images: list[str] | None = None
    replicas: list[KustomizeReplica] | None = None
    common_labels: dict[str, str] | None = None
    common_annotations: dict[str, str] | None = None
    force_common_labels: bool = False
    force_common_annotations: bool = False
    common_annotations_envsubst: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    namespace: str = ""
    patches: list[JSON] | None = None
    components: list[str] | None = None
    ignore_missing_components: bool = False
    version: str = ""
    kube_version: str = ""
    api_versions: list[str] | None = None


class DirectorySource(Wire, frozen=True, kw_only=True):
    """source.directory."""

    recurse: bool = False
    include: str = ""
    exclude: str = ""
    disable_extension_filter: bool = False
    jsonnet: JSON | None = None


class PluginSource(Wire, frozen=True, kw_only=True):
    """source.plugin."""

    name: str = ""
    env: list[JSON] | None = None
    parameters: list[JSON] | None = None


class Source(Wire, frozen=True, kw_only=True):
    """spec.source or an entry of spec.sources (Argo CD: ApplicationSource)."""

    repo_url: str = msgspec.field(default="", name="repoURL")
    path: str = ""
    target_revision: str = ""
    chart: str = ""
    ref: str = ""
    name: str = ""
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None
