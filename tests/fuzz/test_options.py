"""Whatever OPTIONS hold, they are read, or refused by the name of the option."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_bgtasks.checks import check_backend
from django_bgtasks.compat import task_backends
from django_bgtasks.conf import OPTION_NAMES, Options, parse_options

from .cases import cases, tried, unhurried

pytestmark = [pytest.mark.once, unhurried]


def test_options() -> None:
    for junk in cases("options", 250):
        names = junk.sample(OPTION_NAMES, junk.choice((1, 1, 2)))
        options = {name: junk.choice((junk.value(), junk.text())) for name in names}
        with tried(junk):
            junk.says(options)
            refusal = ""
            try:
                assert isinstance(parse_options("junk", options), Options)
            except ImproperlyConfigured as error:
                refusal = str(error)
            assert not refusal or any(name in refusal for name in names), refusal


def test_schedules_in_options(settings: Any) -> None:
    ours = settings.TASKS["default"]
    keys = ("task", "crontab", "every", "at", "args", "kwargs", "missed", "priority")
    for junk in cases("schedules", 60):
        record = {key: junk.value() for key in junk.sample(keys, 2)}
        record["task"] = junk.choice(("tests.testapp.tasks.record", junk.value()))
        with tried(junk):
            junk.says(record)
            options = {"SCHEDULES": {junk.text(): record}}
            settings.TASKS = {"default": {**ours, "OPTIONS": options}}
            found = check_backend(task_backends["default"])
            assert all(each.id and each.msg for each in found)
