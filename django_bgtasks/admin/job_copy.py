"""Enqueueing a copy of a job, with other arguments where those are edited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import registry
from ..bgtask import BgTask
from ..compat import InvalidTask, InvalidTaskBackend, Task
from ..exceptions import InvalidArguments, UnknownTask
from ..models import Job
from ..overview.masks import mask_for
from ..periodic.arguments import misfits
from ..sensitive import Mask, joined, mask_of, put_back, restored
from . import live
from .base import RowsOfBackend, database_backends, job_url
from .job_terms import queues
from .json_field import JSONEditorField
from .task_field import about
from .widgets import TextWithChoices


class CopyForm(forms.Form):
    """What is sensitive is shown hidden, and is taken from the job if it is left so."""

    args = JSONEditorField("array", list, label=gettext_lazy("Positional arguments"))
    kwargs = JSONEditorField("object", dict, label=gettext_lazy("Keyword arguments"))
    queue_name = forms.CharField(
        label=gettext_lazy("Queue"), max_length=128, widget=TextWithChoices(queues)
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"), min_value=-100, max_value=100
    )
    delay = forms.FloatField(
        label=gettext_lazy("Run after, in seconds"),
        required=False,
        min_value=0,
        max_value=100 * 366 * 86_400,
        help_text=gettext_lazy("Empty runs it as soon as a worker is free."),
    )

    def __init__(self, job: Job, task: Any, data: Any = None) -> None:
        self.job, self.task = job, task
        self.mask = mask_for(job.task_path, job.backend, job.sensitive)
        shown = {
            "args": self.mask.args(job.args),
            "kwargs": self.mask.kwargs(job.kwargs),
            "queue_name": job.queue_name,
            "priority": job.priority,
        }
        super().__init__(data, initial=shown)

    def clean_args(self) -> list[Any]:
        value = self.cleaned_data["args"]
        if not isinstance(value, list):
            raise forms.ValidationError(_("Write a list: […]."))
        found: list[Any] = put_back(value, self.initial["args"], self.job.args)
        return found

    def clean_kwargs(self) -> dict[str, Any]:
        value = self.cleaned_data["kwargs"]
        if not isinstance(value, dict):
            raise forms.ValidationError(_("Write an object: {…}."))
        found: dict[str, Any] = put_back(value, self.initial["kwargs"], self.job.kwargs)
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if "args" in data and "kwargs" in data:
            for name, text in misfits(self.task, data["args"], data["kwargs"]):
                self.add_error(name, text)
        return data

    def enqueue(self) -> Any:
        """Enqueue the copy and return its result, or None with the errors added."""
        data = self.cleaned_data
        values = {
            "priority": data["priority"],
            "queue_name": data["queue_name"],
            "backend": self.job.backend,
        }
        try:
            task = self._task(values, data["delay"])
            if isinstance(task, Task):
                return task.enqueue(*data["args"], **data["kwargs"])
            backend: Any = database_backends()[self.job.backend]
            return backend.enqueue(task, data["args"], data["kwargs"])
        except InvalidArguments as error:
            self.add_error("kwargs" if "kwargs" in str(error) else "args", str(error))
        except (InvalidTask, InvalidTaskBackend, TypeError) as error:
            name = "queue_name" if "ueue" in str(error) else None
            self.add_error(name, str(error))
        return None

    def _task(self, values: dict[str, Any], delay: float | None) -> Any:
        if isinstance(self.task, BgTask):
            metadata = self.job.metadata or None
            task = _hiding(self.task, restored(self.job.sensitive))
            return task.using(**values, run_after=delay, metadata=metadata)
        return registry.as_enqueued(self.task, **values)


class CopyOfJob(RowsOfBackend):
    """The page with the form."""

    def copy_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        live.require(request, "view_job")
        live.require(request, "view_job_arguments")
        if not may_copy(request):
            raise PermissionDenied
        job = self.get_object(request, object_id)
        if job is None:
            return self.say_gone(request, object_id)
        try:
            task = task_of(job)
        except UnknownTask as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(job_url(job.pk))
        form = CopyForm(job, task, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            result = form.enqueue()
            if result is not None:
                return self._lead_to(request, job, result.id)
        context = {"job": job, "form": form, "task": about(task), "media": form.media}
        title = _("Enqueue a copy")
        return live.respond(request, self.admin_site, "job", title, context, "copy")

    def _lead_to(self, request: HttpRequest, job: Job, copy_id: str) -> HttpResponse:
        copy = Job(pk=copy_id, task_path=job.task_path)
        self.log_addition(request, copy, f"Copy of {job.pk}")
        text = _("A copy of the job is enqueued: this is its page.")
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(job_url(copy.pk))

    def say_gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        raise NotImplementedError


def _hiding(task: Any, kept: Mask) -> Any:
    """Return the task so that its jobs hide what a job hides, whatever it says now."""
    own = mask_of(task)
    covers = own.everything or joined(own, kept) == own
    return task if covers else replace(task, sensitive=True)


def may_copy(request: HttpRequest) -> bool:
    return live.may(request, "add_job") and live.may(request, "view_job_arguments")


def task_of(job: Any) -> Any:
    """Return the task of a job, or raise UnknownTask saying why there is none."""
    backend = database_backends().get(job.backend)
    if backend is None:
        raise UnknownTask(
            _("TASKS has no backend “%(alias)s” any more.") % {"alias": job.backend}
        )
    return registry.resolve(job.task_path, backend.settings.task_modules)
