from __future__ import annotations

from django.apps import apps
from django.db import connection


def empty() -> None:
    """Delete all rows of the package, in the transaction of the test."""
    with connection.cursor() as cursor:
        for model in apps.get_app_config("django_bgtasks").get_models():
            name = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"DELETE FROM {name}")
