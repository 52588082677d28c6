"""Our end of the line to an agent."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SECONDS_TO_STOP = 20


class Agent:
    """A process of the peer's interpreter that does what it is asked."""

    def __init__(
        self, python: Path, module: str, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.peers.agent", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what it answers. Raise RuntimeError with its traceback."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"call": name, "args": args, "kwargs": kwargs}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The agent ended with {self._process.wait()}.")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
