"""Pages of single jobs for the site's own use; include them in its URLconf."""

from __future__ import annotations

from django.urls import path

from .site import views

app_name = "django_bgtasks"
urlpatterns = [
    # Any text for an id, so that a wrong one gets its answer in JSON as well.
    path("<str:job_id>/status/", views.status, name="status"),
    path("<str:job_id>/events/", views.events, name="events"),
]
