"""An app that harms the process it is in, from within; see ``settings``."""

from __future__ import annotations

import os

from django.apps import AppConfig


class Chaos(AppConfig):
    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        if orders := os.environ.get("BGTASKS_CHAOS_ORDERS"):
            from .killpoints import install

            install(orders)
        if name := os.environ.get("BGTASKS_CHAOS_SABOTAGE"):
            from . import sabotage

            sabotage.commit(name)
