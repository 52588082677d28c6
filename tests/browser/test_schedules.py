from __future__ import annotations

from datetime import timedelta

from django_bgtasks.models import Schedule

from .visit import Visit


def test_list_is_shown(as_admin: Visit) -> None:
    Schedule.objects.create(
        name="Report",
        crontab="30 7 * * mon-fri",
        timezone="Europe/Berlin",
        task_path="tests.testapp.tasks.record",
        args=["a"],
    )
    Schedule.objects.create(
        name="<b>Bold</b>",
        kind="interval",
        every=timedelta(minutes=5),
        task_path="tests.testapp.tasks.gone",
        enabled=False,
    )
    as_admin.open("/admin/django_bgtasks/schedule/")
    as_admin.screenshot("list")
    as_admin.phone()
    as_admin.screenshot("phone")
    as_admin.desk()
    pk = Schedule.objects.get(name="Report").pk
    as_admin.open(f"/admin/django_bgtasks/schedule/{pk}/change/")
    as_admin.resize(1280, 2200)
    as_admin.find(".bgtasks-preview table")
    as_admin.screenshot("form")
    as_admin.emulate(dark=True)
    as_admin.open("/admin/django_bgtasks/schedule/add/")
    as_admin.fill("#id_crontab", "0 0 30 2 *")
    as_admin.find(".bgtasks-live")
    as_admin.screenshot("dark")
    as_admin.open(f"/admin/django_bgtasks/schedule/{pk}/ticks/")
    as_admin.screenshot("ticks")
