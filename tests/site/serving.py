"""What real servers serve: the tests' site, as WSGI and as ASGI."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from django_bgtasks.site import feed

# A server under WSGI learns that a reader has left when it writes to him.
feed.HEARTBEAT = 0.2


def wsgi() -> Any:
    return get_wsgi_application()


def asgi() -> Any:
    return get_asgi_application()
