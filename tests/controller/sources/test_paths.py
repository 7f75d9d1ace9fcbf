"""One parser for paths inside a repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sources.paths import join_inside, parse_path
from model.errors import InvalidSpec


@pytest.mark.parametrize(
    ("text", "path"), [("a", "a"), ("a/./b//c/", "a/b/c"), (".", ""), ("./a", "a"), ("a..b", "a..b")]
)
def test_relative_paths_are_normalised(text: str, path: str) -> None:
    """Dots and doubled slashes go."""
    assert path == parse_path(text, "x")


@pytest.mark.parametrize(
    "text",
    [
        "../../../../etc",
        "apps/../../..",
        "a/..",
        "/etc",
        "apps/\0",
        ".git",
        "a/.GIT/config",
        ".git ",
        "git~1",
        "",
        "-rf",
        "a\\b",
        "a\nb",
    ],
)
def test_every_way_out_is_refused(text: str) -> None:
    """Dot-dot, absolute, .git in any spelling, options, control characters, nothing at all."""
    with pytest.raises(InvalidSpec):
        parse_path(text, "Application argocd/shop")


@pytest.mark.parametrize(
    ("base", "text", "path"),
    [
        ("helm/app", "values.yaml", "helm/app/values.yaml"),
        ("helm/app", "../../environments/prod.yaml", "environments/prod.yaml"),
        ("helm/app", "/environments/prod.yaml", "environments/prod.yaml"),
        ("helm/app", "../../../x", None),
        ("", "../x", None),
        ("a", "/../x", None),
        ("a", "https://x/y", None),
        ("a", "../.git/config", None),
        ("a", "", None),
    ],
)
def test_value_files_stay_inside(base: str, text: str, path: str | None) -> None:
    """Dot-dot is fine as long as the repository is not left; a slash is its root."""
    assert path == join_inside(base, text)


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "/"]), max_size=8), st.sampled_from(["", "x", "x/y"]))
def test_a_join_never_leaves(parts: list[str], base: str) -> None:
    """Whatever the segments, the result is inside or None."""
    found = join_inside(base, "/".join(parts))
    assert found is None or (not found.startswith("/") and ".." not in found.split("/"))
