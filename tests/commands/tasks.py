from __future__ import annotations

from typing import Any

from django_bgtasks import task


@task
def succeed(value: Any = None) -> Any:
    return value


@task
def blunder(word: str = "nothing") -> None:
    raise LookupError(f"no {word}")


@task(queue_name="mail", max_attempts=2, backoff=3600)
def stumble() -> None:
    raise LookupError("on a stone")


@task(takes_context=True)
def tell(context: Any) -> str:
    context.metadata["colour"] = "red"
    context.save_metadata()
    context.progress(1, 4)
    return "told"


@task(retention="2h")
def briefly_kept() -> None:
    pass


@task(retention={"successful": None, "failed": None})
def kept_for_ever() -> None:
    pass
