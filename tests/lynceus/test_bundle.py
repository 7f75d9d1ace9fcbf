"""Files and folders with everything that governs, read as one."""

from pathlib import Path

import pytest

from lynceus.files import read_bundle, read_policy, read_projects
from model.errors import InvalidInput
from tests.lynceus.test_live import OBJECTS


def test_one_file_may_hold_everything(tmp_path: Path) -> None:
    """ConfigMaps by name, projects, Applications and cluster Secrets of one file."""
    (tmp_path / "all.yaml").write_text(OBJECTS)
    found = read_bundle([str(tmp_path / "all.yaml")])

    assert ("role:readonly", 2, True) == (found.rbac.default_role, len(found.rbac.csv), found.has_rbac)
    assert (["shop"], ["web"], ["production"]) == (
        [each.metadata.name for each in found.projects],
        [each.metadata.name for each in found.applications],
        [each.name for each in found.clusters],
    )
    assert ({"windows": "[]"}, "shop") == (found.additions_data, found.settings.global_projects[0].project_name)
    assert [{}] == [each.config for each in found.clusters]


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    """YAML below a folder counts; hidden files, other objects and lists of patches do not."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "all.yaml").write_text(OBJECTS)
    (tmp_path / ".hidden.yaml").write_text("kind: AppProject\nmetadata: {name: no}\n")
    (tmp_path / "patch.yaml").write_text("- op: remove\n  path: /spec\n")
    (tmp_path / "kustomization.yaml").write_text("resources: [deep/all.yaml]\n")
    (tmp_path / "README.md").write_text("# not ours\n")
    found = read_bundle([str(tmp_path)])

    assert ["shop"] == [each.metadata.name for each in found.projects]
    assert ["shop"] == [each.metadata.name for each in read_projects([str(tmp_path)])]


def test_policy_csv_and_projects_make_a_bundle(tmp_path: Path) -> None:
    """CSV keeps its path as the place, and has no default role of its own."""
    (tmp_path / "policy.csv").write_text("g, a, role:admin\n")
    (tmp_path / "project.yaml").write_text(OBJECTS.split("---")[3])
    found = read_bundle([str(tmp_path / "policy.csv"), str(tmp_path / "project.yaml")])

    assert (1, "", True, False) == (len(found.projects), found.rbac_source, found.has_rbac, found.has_rbac_keys)
    assert str(tmp_path / "policy.csv") == found.rbac.csv[0][0]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.yaml": OBJECTS, "b.yaml": OBJECTS.split("---")[3]}, "AppProject shop again, after"),
        ({"a.yaml": OBJECTS, "p.csv": "g, a, b\n"}, "policy CSV beside the ConfigMap argocd-rbac-cm"),
        ({"a.yaml": "kind: Deployment\n"}, "found nothing that governs"),
        ({"a.yaml": "kind: AppProject\nx: !!bool maybe\n"}, "found text that is no YAML"),
        ({"a.yaml": "kind: AppProject\nx: !!timestamp soon\n"}, "found text that is no YAML"),
        (
            {"a.yaml": "kind: AppProject\nmetadata: {name: x}\nspec: {roles: 3}\n"},
            "AppProject x: spec.roles: found int",
        ),
        (
            {"a.yaml": "kind: ConfigMap\nmetadata: {name: lynceus-cm}\ndata: {windows: []}\n"},
            "values that are not text",
        ),
        ({}, "found nothing that governs"),
    ],
    ids=["twice", "two policies", "other kinds", "odd bool", "odd time", "wrong type", "no text", "empty"],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    """One clear line; nothing is guessed."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_bundle([str(tmp_path)])


def test_the_policy_is_found_among_other_config_maps(tmp_path: Path) -> None:
    """argocd-rbac-cm counts, wherever in the file it stands; without its name only a single ConfigMap will do."""
    path = tmp_path / "all.yaml"
    path.write_text("kind: ConfigMap\nmetadata: {name: argocd-cm}\n---" + OBJECTS.split("---")[0])

    assert "role:readonly" == read_policy(str(path))[0].default_role

    path.write_text("kind: ConfigMap\nmetadata: {name: a}\n---\nkind: ConfigMap\nmetadata: {name: b}\n")
    with pytest.raises(InvalidInput, match="several ConfigMaps, none of them argocd-rbac-cm"):
        read_policy(str(path))
