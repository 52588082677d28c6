from __future__ import annotations

from .visit import Visit


def test_list_is_shown(as_admin: Visit) -> None:
    as_admin.open("/admin/django_bgtasks/schedule/")
    assert "schedule" in as_admin.text("#content h1")
    as_admin.screenshot("list")
    as_admin.phone()
    as_admin.screenshot("phone")
    as_admin.desk()


def test_form_is_shown(as_admin: Visit) -> None:
    as_admin.emulate(dark=True)
    as_admin.open("/admin/django_bgtasks/schedule/add/")
    as_admin.screenshot("form")
