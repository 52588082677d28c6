from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django_bgtasks import task

SECRET = "correct-horse-battery-staple"
_SECONDS = 60


@task
def answer(given: Any = None) -> Any:
    return given


@task(sensitive=("pin",))
def answer_with_a_pin() -> dict[str, str]:
    return {"name": "Ada", "pin": SECRET}


@task
def fail(secret: str) -> None:
    raise RuntimeError(f"It failed over {secret}.")


@task(max_attempts=2, backoff=600)
def fail_and_wait(secret: str) -> None:
    raise RuntimeError(f"It failed over {secret}.")


@task(takes_context=True)
def climb(context: Any, folder: str, steps: int) -> dict[str, Any]:
    """Go up a step when the test puts a file of its number into the folder."""
    context.progress(0, steps)
    for number in range(1, steps + 1):
        deadline = time.monotonic() + _SECONDS
        while not (Path(folder) / str(number)).exists():
            if time.monotonic() > deadline:
                raise AssertionError(f"There was no step {number}.")
            time.sleep(0.02)
        context.progress(number, steps)
    return {"top": steps}
