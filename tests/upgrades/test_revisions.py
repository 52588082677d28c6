"""The revisions to upgrade from are found in the history, whatever that is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import revisions

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


class History:
    """A repository of the package, to which commits are added by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
        command = ["git", "-C", str(self.path), *who, *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, **files: str) -> str:
        """Commit modules of the package, and a file beside it; return the commit."""
        for name, text in {"beside": "x", **files}.items():
            place = "migrations" if name.startswith("m") else "."
            number = name.removeprefix("m")
            path = self.path / revisions.PACKAGE / place / f"{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        app = self.path / "tests" / "testapp"
        app.mkdir(parents=True, exist_ok=True)
        (app / "tasks.py").write_text("")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    monkeypatch.setattr(revisions, "ROOT", tmp_path)
    return History(tmp_path)


def test_code_before_the_last_change_is_found(history: History) -> None:
    first = history.commit(a="1")
    history.commit(a="2")
    history.commit()
    assert revisions.before() == first


def test_release_comes_before_any_other_commit(history: History) -> None:
    history.commit(a="1")
    history.git("tag", "1.0")
    history.commit(a="2")
    history.commit(a="3")
    assert revisions.before() == revisions.release() == "1.0"


def test_history_that_has_just_begun_is_told(history: History) -> None:
    history.commit(a="1")
    with pytest.raises(revisions.Missing, match="shallow"):
        revisions.before()
    with pytest.raises(revisions.Missing):
        revisions.first()
    with pytest.raises(revisions.Missing):
        revisions.with_older_tables()


def test_revisions_with_fewer_tables_are_found(history: History) -> None:
    first = history.commit(m0001="", m0002="")
    assert history.commit(a="1") != first
    only_first = history.git("rev-parse", "HEAD")
    history.commit(m0003="")
    older = history.commit(a="2")
    history.commit(m0004="")
    history.commit(a="3")
    assert revisions.first() == only_first
    assert revisions.with_older_tables() == older


def test_revision_whose_migrations_were_changed_later_is_passed_over(
    history: History,
) -> None:
    history.commit(m0001="", m0002="")
    kept = history.commit(a="1")
    history.commit(m0003="as it was")
    history.commit(m0004="")
    history.commit(m0003="as it is")
    assert revisions.with_older_tables() == kept


def test_package_is_taken_as_it_was(history: History, tmp_path: Path) -> None:
    first = history.commit(a="1", m0001="")
    history.commit(a="2", m0002="")
    code = revisions.take(first, tmp_path / "old")
    assert (code.home / "a.py").read_text() == "1"
    assert code.migrations == ["0001"]
    assert not code.has_beat


def test_directory_without_a_history_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(revisions.Missing, match="git"):
        revisions.before()
