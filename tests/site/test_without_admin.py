"""A site that has no admin renders its templates all the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

# Rendering makes Django import the libraries of tags of all apps.
_SOURCE = """
import django
from django.conf import settings

apps = ["django_bgtasks"] + ["django_tasks"] * (django.VERSION < (6, 0))
settings.configure(
    SECRET_KEY="tests",
    INSTALLED_APPS=apps,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TASKS={"default": {"BACKEND": "django_bgtasks.backend.DatabaseBackend"}},
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
    ],
)
django.setup()
from django.core.management import call_command
from django.template import engines

call_command("check")
print(engines["django"].from_string("{% load bgtasks %}rendered").render({}))
"""


def test_templates_are_rendered_without_the_admin() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SOURCE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "rendered"
