"""Tokens of the status pages when the site's key is changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from django_bgtasks.site import job_events_url, job_status_url
from tests.testapp.tasks import record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.site.urls"


def test_token_outlives_its_key_only_among_the_fallbacks(settings: Any) -> None:
    settings.SECRET_KEY = "old"
    result = record.enqueue("a")
    urls = [job_status_url(result), job_events_url(result)]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert [Client().get(url).status_code for url in urls] == [200, 200]
    assert Client().get(job_status_url(result)).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert [Client().get(url).status_code for url in urls] == [403, 403]
