"""The status of one job as JSON, and as a stream of events."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from .access import Found, Refused, find, release_connections
from .feed import event_id
from .stream import Stream

View = Callable[[HttpRequest, Found], HttpResponseBase]


def _of_a_job(view: View) -> Callable[..., HttpResponseBase]:
    """Give a view the job that the request asks for, or answer with the reason."""

    @wraps(view)
    def answer(request: HttpRequest, job_id: str) -> HttpResponseBase:
        try:
            found = find(request, job_id)
        except Refused as refused:
            return JsonResponse({"error": refused.reason}, status=refused.status)
        return view(request, found)

    return answer


@require_safe
@never_cache
@_of_a_job
def status(request: HttpRequest, found: Found) -> HttpResponseBase:
    """Answer with the job as it is now."""
    return JsonResponse(found.told(found.job))


@require_GET
@never_cache
@_of_a_job
def events(request: HttpRequest, found: Found) -> HttpResponseBase:
    """Answer with events until the job has finished, or for STATUS_STREAM."""
    last_id = request.headers.get("Last-Event-ID", "")
    told_all = found.job.finished and last_id == event_id(found.told(found.job))
    if told_all or not found.options.status_stream:
        # Which tells the browser not to come again.
        return HttpResponse(status=204)
    # The answer ends late, and so would what closes this thread's connection.
    release_connections()
    stream: Any = Stream(found, last_id)
    content = aiter(stream) if isinstance(request, ASGIRequest) else iter(stream)
    response = StreamingHttpResponse(content, content_type="text/event-stream")
    # nginx and GZipMiddleware would keep events back until there are many.
    response["X-Accel-Buffering"] = "no"
    response["Content-Encoding"] = "identity"
    return response
