"""Settings of the tables whose rows come and go. They lock nothing for long."""

from typing import Any

from django.db import migrations

from django_bgtasks.vendors import vendor_of

HOT = ("readyjob", "deferredjob", "runningjob", "process", "jobprogress")
QUEUE_NAMES = (
    ("job", "queue_name"),
    ("readyjob", "queue_name"),
    ("deferredjob", "queue_name"),
    ("queue", "name"),
)


def tune(apps: Any, schema_editor: Any) -> None:
    vendor = vendor_of(schema_editor.connection)
    names = [apps.get_model("django_bgtasks", model)._meta.db_table for model in HOT]
    vendor.tune(schema_editor, names)
    for model, name in QUEUE_NAMES:
        meta = apps.get_model("django_bgtasks", model)._meta
        vendor.tell_apart(schema_editor, meta.db_table, meta.get_field(name))


class Migration(migrations.Migration):
    dependencies = [("django_bgtasks", "0001_initial")]
    # Not in a transaction of its own where tables cannot be altered in one.
    operations = [migrations.RunPython(tune, migrations.RunPython.noop, atomic=False)]
