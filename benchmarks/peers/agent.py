"""Does for another queue, in its own interpreter, what a subject is asked to do.

``python -m benchmarks.peers.agent MODULE``, a module with a class ``Agent``. A line of
JSON comes in for each request, ``{"call": name, "args": [...], "kwargs": {...}}``, and
a line goes out for each answer, ``{"value": ...}`` or ``{"error": traceback}``. What
libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = import_module(sys.argv[1]).Agent()
    for line in sys.stdin:
        answers.write(json.dumps(_answer(peer, json.loads(line))) + "\n")
        answers.flush()


def _answer(peer: Any, request: dict[str, Any]) -> dict[str, Any]:
    try:
        call = getattr(peer, request["call"])
        return {"value": call(*request["args"], **request["kwargs"])}
    except Exception:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    main()
