from __future__ import annotations

import asyncio
import threading

from django_bgtasks import TaskCancelled, task

begun = threading.Event()
cleaning = threading.Event()
let_go = threading.Event()


@task
def nothing() -> None:
    pass


@task
def wait_to_be_let_go() -> None:
    begun.set()
    let_go.wait(30)


@task
def clean_up_slowly() -> str:
    begun.set()
    try:
        while True:
            let_go.wait(0.001)
    except TaskCancelled:
        cleaning.set()
        let_go.wait(30)
    return "cleaned up"


@task
async def start_one_that_exits() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    child = asyncio.create_task(leave())
    await asyncio.wait([child])


meeting = asyncio.Barrier(200)


@task
async def meet() -> None:
    """End when all who are expected have begun."""
    await meeting.wait()
