"""Virtual environments for other queues, made when they are first asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

from .catalogue import Peer

_VARIABLE = "BGTASKS_BENCH_PEERS"
_DEFAULT = Path(__file__).parents[2] / "build" / "peers"


def prepared(peer: Peer) -> Path:
    """Return the interpreter of the peer, with its packages installed.

    They lie in ``build/peers``, or where ``BGTASKS_BENCH_PEERS`` says. What is newer
    than the least version asked for is taken from the package index once, and stays.
    """
    place = Path(os.environ.get(_VARIABLE) or _DEFAULT) / peer.module
    python = place / "bin" / "python"
    wanted = json.dumps(sorted(peer.requires))
    note = place / "installed.json"
    if not note.exists() or note.read_text() != wanted:
        print(f"Installing {peer.title} into {place}", file=sys.stderr, flush=True)
        venv.create(place, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--upgrade", *peer.requires],
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        note.write_text(wanted)
    return python
