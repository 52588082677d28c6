"""The package as it was: taken from git into a directory of its own."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = "django_bgtasks"
# Workers find tasks in it, whose options the package of that time knows.
_APP = "tests/testapp"


class Missing(Exception):
    """A revision cannot be had; the message says why."""


@dataclass(frozen=True)
class Code:
    """The package in ``path``; None is the one that is tested."""

    name: str
    path: Path | None = None

    @property
    def home(self) -> Path:
        return (self.path or ROOT) / PACKAGE

    @property
    def migrations(self) -> list[str]:
        files = (self.home / "migrations").glob("[0-9]*.py")
        return sorted(file.stem for file in files)

    @property
    def has_beat(self) -> bool:
        return (self.home / "management" / "commands" / "runbeat.py").exists()


HERE = Code("this one")


def release() -> str:
    """Name the release before."""
    tags = _git("tag", "--merged", "HEAD", "--sort=-creatordate").split()
    if not tags:
        raise Missing("there is no release yet, or its tag is not here")
    return tags[0]


def before() -> str:
    """Name the release before; until there is one, the code before the last change."""
    try:
        return release()
    except Missing:
        return _changed(PACKAGE, 2)


def with_older_tables() -> str:
    """Name the last revision whose migrations were fewer, and are the same today.

    Before a release a migration may still be changed: from tables that it has made
    as it was then, no way leads to those of today.
    """
    added = ("log", "--format=%H", "--diff-filter=A")
    files = f"{PACKAGE}/migrations/[0-9]*.py"
    commits = _git(*added, "--", files).split()
    newest = _migrations("HEAD")
    for commit in commits:
        if _is_there(f"{commit}^") and _migrations(f"{commit}^") < newest:
            return _git("rev-parse", f"{commit}^").strip()
    raise Missing("git knows of no revision with fewer migrations")


def first() -> str:
    """Name the last revision that had the first migrations alone."""
    added = ("log", "--format=%H", "--diff-filter=A", "--reverse")
    commits = _git(*added, "--", f"{PACKAGE}/migrations/[0-9]*.py").split()
    if len(commits) < 2:
        raise Missing("git knows of no revision with the first migrations alone")
    return _git("rev-parse", f"{commits[1]}^").strip()


def take(revision: str, into: Path) -> Code:
    """Put the package of a revision, and the suite's app, into a directory.

    Raise Missing.
    """
    commit = _git("rev-parse", "--short", f"{revision}^{{commit}}").strip()
    archive = _bytes("archive", commit, PACKAGE, _APP)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(into, filter="data")
    return Code(commit, into)


def _changed(path: str, number: int) -> str:
    """Name the revision that was the last but so many to change a path."""
    found = _git("log", f"-{number}", "--format=%H", "--", path).split()
    if len(found) < number:
        raise Missing("the clone is shallow, or the history has just begun")
    return found[-1]


def _migrations(revision: str) -> set[str]:
    """Return a line for each, of its contents and its name."""
    tree = f"{PACKAGE}/migrations/"
    lines = _git("ls-tree", revision, tree).splitlines()
    return {line for line in lines if line.rpartition("/")[2][:1].isdigit()}


def _is_there(revision: str) -> bool:
    try:
        _git("rev-parse", "--verify", "--quiet", revision)
    except Missing:
        return False
    return True


def _git(*arguments: str) -> str:
    return _bytes(*arguments).decode()


def _bytes(*arguments: str) -> bytes:
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        raise Missing("git is not installed") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise Missing(f"git {arguments[0]}: {said or done.returncode}")
    return done.stdout
