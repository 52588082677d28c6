"""What a project takes in memory before any worker of it does."""

from __future__ import annotations

import subprocess
import sys

from ..figures import Figure
from ..subjects import OURS, Subject
from .base import Part, Plan

_TELL = "import psutil; print(psutil.Process().memory_info().rss)"


def _shell(subject: Subject, plan: Plan) -> list[Figure]:
    if subject.name != OURS:
        return []
    told = subprocess.run(
        [sys.executable, "-m", "django", "shell", "--verbosity", "0", "-c", _TELL],
        capture_output=True,
        text=True,
        check=True,
    )
    return [Figure("RSS of a shell", int(told.stdout) / 1e6, "MB")]


PARTS = (Part("shell", "`manage.py shell` of the same project", _shell),)
