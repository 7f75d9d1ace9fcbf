"""The canonical form of repository URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InvalidSpec
from model.urls import canonical_url, display_url, repository_key


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://GitHub.com/Org/X.git", "https://github.com/org/x"),
        ("  https://github.com/org/x \n", "https://github.com/org/x"),
        ("https://github.com:443//org///x.GIT/", "https://github.com/org/x"),
        ("https://org@dev.azure.com/org/p/_git/r", "https://dev.azure.com/org/p/_git/r"),
        ("git@github.com:Org/x.git", "git@github.com/org/x"),
        ("ssh://git@github.com/org/x", "git@github.com/org/x"),
        ("ssh://git@github.com:22/org/x", "git@github.com/org/x"),
        ("ssh://git@github.com:2222/org/x", "git@github.com:2222/org/x"),
        ("registry-1.docker.io/bitnamicharts", "registry-1.docker.io/bitnamicharts"),
        ("localhost:5000/charts", "localhost:5000/charts"),
        ("oci://r.example:5000/x", "oci://r.example:5000/x"),
        ("file:///srv/git/x", "file:///srv/git/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_spellings_of_one_repository_have_one_form(url: str, expected: str) -> None:
    """Case, blanks, .git, slashes, default ports and the scp form do not tell repositories apart."""
    assert expected == canonical_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://u:p@h/x",
        "ssh://git:secret@h/x",
        "https://h/a/../b",
        "https://h/a/%2e%2e/b",
        "https://h/a/.",
        "https://h/%61cme",
        "https://h/a%2fb",
        "https://h/x?y=1",
        "https://h/x#y",
        "https:///x",
        "ssh://git@h:org/x",
        "ext::sh -c id",
        "-oProxyCommand=x",
        "ssh://-oProxy/x",
        "C:\\x",
        "https://h/a b",
        "https://h/\u212a",
        "https://h/\x00",
        "git@h:../x",
        "x" * 3000,
    ],
)
def test_urls_that_could_mean_something_else_are_refused(url: str) -> None:
    """A URL whose meaning differs between tools is refused, and the error shows no password."""
    with pytest.raises(InvalidSpec) as failure:
        canonical_url(url)
    assert "secret" not in str(failure.value)


def test_the_case_of_the_path_can_be_kept() -> None:
    """Keys of mirrors keep the case of the path, for servers on which it matters."""
    assert "https://h/Org/X" == canonical_url("HTTPS://H/Org/X.git", fold_case=False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p@h/x?token=1#f", "https://h/x"),
        ("u:p@h/x", "h/x"),
        ("git@h:x", "git@h:x"),
        ("https://h/\x1b[31m", "https://h/?[31m"),
    ],
)
def test_credentials_are_not_displayed(url: str, expected: str) -> None:
    """User, password, query and fragment never reach a log or a page."""
    assert expected == display_url(url)


@given(st.text())
def test_any_text_is_refused_or_has_a_fixed_point(url: str) -> None:
    """Any text raises our own error or gives a form that is its own canonical form; it always can be displayed."""
    display_url(url)
    try:
        canonical = canonical_url(url)
    except InvalidSpec:
        return
    assert canonical == canonical_url(canonical)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Git.Example/Team/Shop.git", "git.example/team/shop"),
        ("ssh://git@git.example:7999/team/shop", "git.example/team/shop"),
        ("git@ssh.git.example:team/shop.git", "git.example/team/shop"),
        ("ssh://git@altssh.bitbucket.org:443/team/shop.git", "bitbucket.org/team/shop"),
        ("git@ssh.dev.azure.com:v3/org/project/repo", "dev.azure.com/org/project/_git/repo"),
        ("https://org@dev.azure.com/org/project/_git/repo", "dev.azure.com/org/project/_git/repo"),
        ("git.example/team/shop", "git.example/team/shop"),
    ],
)
def test_the_key_of_a_repository_is_host_and_path(url: str, expected: str) -> None:
    """Web page, HTTPS and SSH address of one repository have one key."""
    assert expected == repository_key(url)
    assert expected == repository_key(f"https://{expected}")
