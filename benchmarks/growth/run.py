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
    from django.db import connection

    from .. import databases, machine

    call_command("migrate", verbosity=0)
    kind = "mariadb" if connection.vendor == "mysql" else connection.vendor
    name = Path(str(connection.settings_dict["NAME"])).name
    (figures, spans), disturbance = machine.observed(
        lambda: _measured(word, arguments), kind, name
    )
    return {
        "server": databases.describe(connection),
        "figures": [asdict(figure) for figure in figures],
        "spans": [asdict(span) for span in spans],
        "foreign_cores": disturbance.foreign_cores,
    }


def _measured(word: str, arguments: list[int]) -> tuple[list[Any], list[Any]]:
    from ..figures import Figure
    from . import enqueuers, fill, queues, sizes, snapshot, workers

    if word == "fill":
        return [Figure("is full", float(fill.up_to(*arguments)), "")], []
    if word == "snapshot":
        return snapshot.sample(*arguments)
    samples: dict[str, Any] = {
        "sizes": sizes.sample,
        "queues": queues.sample,
        "enqueuers": enqueuers.sample,
        "workers": workers.sample,
    }
    return samples[word](*arguments), []


if __name__ == "__main__":
    django.setup()
    place, word, *arguments = sys.argv[1:]
    Path(place).write_text(json.dumps(run(word, [int(each) for each in arguments])))
