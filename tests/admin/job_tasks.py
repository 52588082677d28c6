"""Tasks whose jobs are looked at in the admin."""

from __future__ import annotations

import logging
from typing import Any

from django_bgtasks import task

logger = logging.getLogger("tests.admin")


@task
def greet(name: str, *, user_id: int = 0) -> str:
    return f"hello {name}"


@task(capture_logs=True)
def blunder(word: str = "nothing", **facts: Any) -> None:
    logger.warning("about to say %s", word)
    raise LookupError(f"no {word}")


@task(max_attempts=2, backoff=3600)
def stumble(word: str = "stone") -> None:
    raise ValueError(f"on a {word}")


@task(sensitive=("password",), capture_logs=True)
def log_in(name: str, password: str) -> dict[str, str]:
    logger.warning("%s comes with %s", name, password)
    if name == "eve":
        raise PermissionError(f"{password} is wrong")
    return {"name": name, "password": password}


@task
def spawn(count: int) -> None:
    for number in range(count):
        greet.enqueue(f"child {number}")


@task(takes_context=True)
def tell(context: Any, colour: str) -> str:
    context.metadata["colour"] = colour
    context.save_metadata()
    context.progress(1, 4)
    return "told"
