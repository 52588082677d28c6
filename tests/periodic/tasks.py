from __future__ import annotations

from django_bgtasks import BgTaskContext, task


@task(takes_context=True)
def tell_moment(context: BgTaskContext) -> str:
    assert context.scheduled_for is not None
    return context.scheduled_for.isoformat()
