"""The demo's Git repository: made on the spot from examples/apps, changed by the story as a developer would."""

from __future__ import annotations

import os
import subprocess
import typing as t
from importlib.resources import files
from pathlib import Path

from model.errors import LynceusError

if t.TYPE_CHECKING:
    from importlib.resources.abc import Traversable

AUTHOR: t.Final = {
    "GIT_AUTHOR_NAME": "Lynceus demo",
    "GIT_AUTHOR_EMAIL": "demo@lynceus.invalid",
    "GIT_COMMITTER_NAME": "Lynceus demo",
    "GIT_COMMITTER_EMAIL": "demo@lynceus.invalid",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class DemoRepository:
    """A working copy and the bare repository it pushes to, both below one folder.

    Args:
        folder: an empty folder that the caller removes.
    """

    def __init__(self, folder: Path) -> None:
        self._work, self._bare = folder / "work", folder / "shop.git"
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._bare), cwd=folder)
        self._git("init", "--quiet", "--initial-branch=main", str(self._work), cwd=folder)
        copy_files(files("examples") / "apps", self._work)
        self.head = self.push("Deploy the shop")

    @property
    def url(self) -> str:
        """What the Applications name as repoURL."""
        return self._bare.as_uri()

    def read(self, path: str) -> str:
        """Return a file of the working copy."""
        return (self._work / path).read_text(encoding="utf-8")

    def push(self, message: str, changes: t.Mapping[str, str | None] | None = None) -> str:
        """Commit and push.

        Args:
            message: subject of the commit.
            changes: path -> new content, or None to remove the file.

        Returns:
            The id of the new commit.
        """
        for path, content in (changes or {}).items():
            if content is None:
                (self._work / path).unlink()
            else:
                (self._work / path).write_text(content, encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        self._git("push", "--quiet", str(self._bare), "HEAD:main")
        self.head = self._git("rev-parse", "HEAD").strip()
        return self.head

    def _git(self, *arguments: str, cwd: Path | None = None) -> str:
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **AUTHOR}
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=cwd or self._work, env=environment, check=True, capture_output=True, text=True
            )
        except FileNotFoundError:
            raise LynceusError("git is not on PATH; the demo needs it to play the developer") from None
        except subprocess.CalledProcessError as failure:
            raise LynceusError(f"git {arguments[0]} failed: {failure.stderr.strip()[:300]}") from None
        return done.stdout


def copy_files(source: Traversable, target: Path) -> None:
    """Copy a folder of the package, wherever it is installed."""
    target.mkdir(exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            copy_files(item, target / item.name)
        elif not item.name.endswith((".py", ".pyc")):
            (target / item.name).write_bytes(item.read_bytes())
