"""What of a job must not be shown, by all that is known of it."""

from __future__ import annotations

from typing import Any

from .. import registry
from ..compat import task_backends
from ..conf import Options
from ..exceptions import UnknownTask
from ..sensitive import Mask, joined, mask_of, restored


def mask_for(task_path: str, backend: str, kept: Any) -> Mask:
    """Return the mask of a job: what its task, the settings and itself say.

    ``kept`` is what the job keeps of it. The task may be gone.
    """
    return joined(_mask_of_task(task_path, backend), restored(kept))


def mask_of_call(task_path: str, backend: str) -> Mask:
    """Return the mask of arguments that keep none themselves, such as a schedule's.

    Of a task that is gone nobody can say what it hid, so all of it is hidden.
    """
    return _mask_of_task(task_path, backend, unknown=Mask(everything=True))


def _mask_of_task(path: str, backend: str, unknown: Mask | None = None) -> Mask:
    options = _options(backend)
    names = options.sensitive if options else Options().sensitive
    try:
        task = registry.resolve(path, options.task_modules if options else ())
    except UnknownTask:
        return unknown or Mask(names=frozenset(name.casefold() for name in names))
    return mask_of(task, names)


def _options(alias: str) -> Options | None:
    try:
        options = getattr(task_backends[alias], "settings", None)
    except Exception:
        # The alias has left the settings; the job is there all the same.
        return None
    return options if isinstance(options, Options) else None
