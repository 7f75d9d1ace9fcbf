"""The codes of findings about windows, freezes and break-glass are explained to operators."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'"((?:window|freeze|additions|breakglass)-[a-z]+)"')
SOURCES = [*(ROOT / "policy").rglob("*.py"), *(ROOT / "model").glob("*.py"), *(ROOT / "lynceus").rglob("*.py")]


def test_every_code_stands_in_the_documentation() -> None:
    """docs/windows.md lists each code that can be found, and none that cannot."""
    used = {code for path in SOURCES for code in CODE.findall(path.read_text(encoding="utf-8"))}
    table = (ROOT / "docs" / "windows.md").read_text(encoding="utf-8").split("## Findings")[1]
    listed = set(re.findall(r"\b(?:window|freeze|additions|breakglass)-[a-z]+", table.replace("windows-calendar", "")))
    assert listed == used
