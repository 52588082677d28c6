"""Take one sample in a process of its own, and leave it as JSON in a file.

``python -m benchmarks.growth.run FILE WORD ARGUMENT...`` is started by the command.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django


def run(word: str, arguments: list[int]) -> dict[str, Any]:
    from django.core.management import call_command

    from .. import databases
    from . import enqueuers, fill, queues, sizes, snapshot, workers

    call_command("migrate", verbosity=0)
    spans: list[Any] = []
    if word == "fill":
        for kind, count in zip(
            ("waiting", "finished", "deferred"), arguments, strict=True
        ):
            if count:
                getattr(fill, kind)(count)
        fill.analyze()
        figures = []
    elif word == "snapshot":
        figures, spans = snapshot.sample(*arguments)
    else:
        samples = {
            "sizes": sizes.sample,
            "queues": queues.sample,
            "enqueuers": enqueuers.sample,
            "workers": workers.sample,
        }
        figures = samples[word](*arguments)
    from django.db import connection

    return {
        "server": databases.describe(connection),
        "figures": [asdict(figure) for figure in figures],
        "spans": [asdict(span) for span in spans],
    }


if __name__ == "__main__":
    django.setup()
    place, word, *arguments = sys.argv[1:]
    Path(place).write_text(json.dumps(run(word, [int(each) for each in arguments])))
