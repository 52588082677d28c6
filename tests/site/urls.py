"""The suite's site with the pages of jobs, and a page that follows some."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from tests.urls import urlpatterns as others

PAGE = """{% load bgtasks i18n %}{% get_current_language as language %}<!doctype html>
<html lang="{{ language }}">
<head>
<title>Jobs</title>
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1">
</head>
<body>
{% for job in jobs %}
<section id="bar-{{ forloop.counter }}">
{% job_progress job label="Report" stream=stream return_value=True %}
</section>
{% endfor %}</body></html>"""


def bars(request: HttpRequest) -> HttpResponse:
    """Show ``?job=...``, each with a bar; ``&stream=1`` by events."""
    context = {
        "jobs": request.GET.getlist("job"),
        "stream": "stream" in request.GET,
    }
    template = engines["django"].from_string(PAGE)
    return HttpResponse(template.render(context, request))


urlpatterns = [
    *others,
    path("bars/", bars),
    path("tasks/", include("django_bgtasks.urls")),
]
