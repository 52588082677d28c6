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
    options = _options(backend)
    names = options.sensitive if options else Options().sensitive
    try:
        task = registry.resolve(task_path, options.task_modules if options else ())
    except UnknownTask:
        own = Mask(names=frozenset(name.casefold() for name in names))
    else:
        own = mask_of(task, names)
    return joined(own, restored(kept))


def _options(alias: str) -> Options | None:
    try:
        options = getattr(task_backends[alias], "settings", None)
    except Exception:
        # The alias has left the settings; the job is there all the same.
        return None
    return options if isinstance(options, Options) else None
