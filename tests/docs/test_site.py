"""The page about the site's pages lists what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import django_bgtasks
from django_bgtasks import site
from django_bgtasks.site.feed import EVENTS
from django_bgtasks.site.snapshot import Snapshot
from django_bgtasks.templatetags.bgtasks import job_progress
from django_bgtasks.urls import urlpatterns

from .pages import codes, read, rows, section

pytestmark = pytest.mark.once

PAGE = "reference/site.md"
PACKAGE = Path(django_bgtasks.__file__).parent
SCRIPT = (PACKAGE / "static" / "django_bgtasks" / "job_progress.js").read_text()


def first_column(text: str) -> list[str]:
    return [codes(row[0])[0] for row in rows(text)]


def test_every_argument_of_the_tag_is_documented_with_its_default() -> None:
    parameters = list(inspect.signature(job_progress).parameters.values())[1:]
    table = [row for row in rows(section(PAGE, "## Template tag")) if len(row) == 3]
    table = [row for row in table if not codes(row[0])[0].startswith("bgtasks:")]
    assert [codes(row[0])[0] for row in table] == [each.name for each in parameters]
    for row, parameter in zip(table[2:], parameters[2:], strict=True):
        assert codes(row[1])[0] == repr(parameter.default).replace("'", '"')


def test_every_event_of_the_script_is_documented() -> None:
    sent = set(re.findall(r'"(bgtasks:\w+)"', SCRIPT))
    text = section(PAGE, "## Template tag")
    assert {name for name in first_column(text) if ":" in name} == sent


def test_every_key_of_the_status_is_documented() -> None:
    job = Snapshot(**dict.fromkeys(Snapshot.__dataclass_fields__) | {"state": "ready"})
    told = list(job.as_json(return_value=True))
    assert first_column(section(PAGE, "### Status")) == told


def test_every_event_of_the_stream_is_documented() -> None:
    assert first_column(section(PAGE, "### Events")) == list(EVENTS)
    heard = set(re.findall(r'source\.addEventListener\("(\w+)"', SCRIPT))
    assert heard == {*EVENTS, "error"}


def test_every_url_is_documented() -> None:
    for each in urlpatterns:
        path = str(each.pattern).replace("<str:job_id>", "<id>")
        assert f"`{path}`" in read(PAGE)


def test_every_function_is_documented() -> None:
    text = section(PAGE, "## Functions")
    documented = re.findall(r"autofunction:: django_bgtasks\.site\.(\w+)", text)
    assert sorted(documented) == sorted(site.__all__)
