from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern

from ..models import Job
from . import live
from .base import NeverEdited
from .job_copy import CopyOfJob
from .job_export import ExportOfJobs
from .job_list import ListOfJobs
from .job_page import PageOfJob
from .job_runs import RunsOfActions


@admin.register(Job)
class JobAdmin(
    ListOfJobs, PageOfJob, RunsOfActions, ExportOfJobs, CopyOfJob, NeverEdited
):
    """The jobs: found, looked at and acted on. Rows are never edited as such.

    A job is made by enqueueing it, or a copy of it; deleting goes by the actions,
    which see to all tables of a job.
    """

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Any]] = {
            "act": ("act/", self.act_view),
            "export": ("export/jobs.<str:kind>", self.export_view),
            "copy": ("<str:object_id>/copy/", self.copy_view),
            "value": ("<str:object_id>/<str:name>.json", self.value_view),
        }
        return [*self.paths(views), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return live.may(request, "view_job")
