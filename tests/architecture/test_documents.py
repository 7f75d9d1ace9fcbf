"""Tests of the documentation against the repository: links lead somewhere, commands exist."""

import re
from pathlib import Path

import pytest

from tests.architecture.support import ROOT, name_of, tracked

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
PROMISED = ("demo", "test", "rows", "check", "lint", "types", "imports", "bench", "envtest", "build", "clean")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file."""
    return [path for path in tracked() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    headings = HEADING.findall(path.read_text(encoding="utf-8"))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def test_links_between_pages_lead_somewhere() -> None:
    """Each relative link names a file, and a heading when it names one."""
    broken = []
    for page in documents():
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                broken.append(f"{name_of(page)}: {link}")

    assert [] == broken


def test_every_page_of_docs_is_linked() -> None:
    """No page is an orphan: decisions and runbooks are reached by their folder."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in documents())
    pages = [page for page in documents() if page.parent == ROOT / "docs"]

    assert [] == [name_of(page) for page in pages if page.name not in text]


def test_make_targets_in_documents_exist() -> None:
    """Each `make x` in a page is a target of the Makefile."""
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    named = {
        word
        for page in documents()
        for word in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert set() == named - targets


@pytest.mark.parametrize("target", PROMISED)
def test_promised_targets_exist(target: str) -> None:
    """The targets that scripts rely on are there and described."""
    assert target in TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
