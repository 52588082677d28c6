"""The real django-celery-beat, with its real tables, where it can be installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import modify_settings

from . import tasks

Run = Callable[..., str]


@pytest.fixture(scope="package")
def _tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Have its app and its tables while the tests of this folder run."""
    pytest.importorskip(
        "django_celery_beat",
        reason="django-celery-beat is not installed; make does it, by --no-deps, as "
        "its requirements do not allow every Django that it works with",
    )
    with modify_settings(INSTALLED_APPS={"append": ["django_celery_beat"]}):
        with django_db_blocker.unblock():
            call_command("migrate", "django_celery_beat", verbosity=0)
        yield
        with django_db_blocker.unblock():
            _drop_tables()
        # The admin has discovered its pages, and would look for the app.
        for model in [*admin.site._registry]:
            if model._meta.app_label == "django_celery_beat":
                admin.site.unregister(model)


def _drop_tables() -> None:
    """Do what migrating to zero does, without undoing step by step."""
    models = apps.get_app_config("django_celery_beat").get_models()
    by_relations = sorted(models, key=lambda model: model.__name__ != "PeriodicTask")
    with connection.schema_editor() as editor:
        for model in by_relations:
            editor.delete_model(model)
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="django_celery_beat").delete()
    ContentType.objects.filter(app_label="django_celery_beat").delete()


@pytest.fixture
def beat(_tables: None, db: None) -> Any:
    """The models of django-celery-beat."""
    from django_celery_beat import models

    return models


@pytest.fixture
def periodic_task(beat: Any) -> Callable[..., Any]:
    """Make a PeriodicTask, by its own rules; every night in UTC unless said."""

    def make(name: str = "nightly", **values: Any) -> Any:
        if not {"interval", "crontab", "solar", "clocked"} & values.keys():
            values["crontab"], _ = beat.CrontabSchedule.objects.get_or_create(
                minute="15", hour="3"
            )
        if isinstance(values.get("crontab"), str):
            values["crontab"] = crontab(beat, values["crontab"])
        values = {"task": tasks.tidy.module_path, **values}
        return beat.PeriodicTask.objects.create(name=name, **values)

    return make


def crontab(beat: Any, fields: str, zone: str = "UTC") -> Any:
    minute, hour, day, month, weekday = fields.split()
    return beat.CrontabSchedule.objects.create(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        timezone=zone,
    )


@pytest.fixture
def celery_beat(db: None) -> Run:
    """Run ``bgtasks import-celery-beat``, and return what it wrote."""

    def run(*arguments: Any) -> str:
        out = StringIO()
        texts = map(str, arguments)
        call_command("bgtasks", "import-celery-beat", *texts, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def imported(celery_beat: Run) -> Callable[..., dict[str, Any]]:
    """Run it, and return what it tells of each entry of Celery."""

    def run(*arguments: Any) -> dict[str, Any]:
        found = json.loads(celery_beat(*arguments, "--format", "json"))
        return {each["celery_name"]: each for each in found}

    return run
