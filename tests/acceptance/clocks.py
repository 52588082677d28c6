"""An app that gives a process another clock; see ``settings``."""

from __future__ import annotations

import time
from datetime import timedelta

from django.apps import AppConfig
from django.conf import settings
from django.utils import timezone


class Clocks(AppConfig):
    name = "tests.acceptance"
    label = "clocks"

    def ready(self) -> None:
        if settings.TEST_CLOCK:
            from .fast_clock import FastClock

            FastClock(**settings.TEST_CLOCK).install()
        if settings.TEST_HOST_CLOCK:
            wrong, now, moment = settings.TEST_HOST_CLOCK, time.time, timezone.now
            time.time = lambda: now() + wrong
            timezone.now = lambda: moment() + timedelta(seconds=wrong)
