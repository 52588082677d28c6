"""The example's schedules: they come into the database, and do what they say."""

from __future__ import annotations

import re

from .conftest import RunExample, Site, Visitor, address, manage, sign_up


def test_declared_schedules_run_on_demand(
    site: Site, visitor: Visitor, start_worker: RunExample
) -> None:
    sign_up(visitor, address())
    start_worker("--beat", "--burst").wait()
    listed = manage(site.env, "bgtasks", "schedules", "list")
    assert "At 18:00" in listed
    for name in ("mail_day", "clean_up"):
        path = f"example_project.club.tasks.{name}"
        assert path in listed
        manage(site.env, "bgtasks", "schedules", "run", path)
    start_worker("--burst").wait()
    (mail,) = site.mails_to("manager@example.com")
    assert re.fullmatch(r"\[Django\] The Lantern: \d+ new members", mail["Subject"])
    assert "Grace" in mail.get_content()
    failed = manage(site.env, "bgtasks", "list", "--state", "failed")
    assert "clean_up" not in failed
