"""What a visitor does, one act after the other."""

import json
import os
import re
import secrets
import signal
import time
from datetime import timedelta
from urllib.error import URLError

from django.conf import settings
from django.contrib.auth import get_user_model

from django_bgtasks.models import Process, Schedule, Tick
from example_project.club import tasks
from example_project.club.models import Member

from . import mailbox
from .processes import Failure
from .screen import milliseconds

READERS = 100
_JOB = re.compile(r"/jobs/([0-9a-f-]{36})/")


def answers(browser):
    try:
        return browser.get("/") if browser.get("/").status == 200 else None
    except URLError:
        return None


def finish(troupe, result):
    """Wait for a job and return its result. Raise Failure if it did not succeed."""

    def look():
        result.refresh()
        return result if result.is_finished else None

    troupe.wait_for(look, f"the job {result.id} ({result.task.name})")
    if result.status != "SUCCESSFUL":
        raise Failure(f"{result.task.name} failed:\n{result.errors[-1].traceback}")
    return result


def sign_up(screen, troupe, browser):
    screen.title("A visitor signs up: the user and two jobs, in one transaction")
    address = f"ada.{secrets.token_hex(3)}@example.com"
    browser.get("/sign-up/")
    clicked = time.perf_counter()
    page = _submit(browser, "/sign-up/", name="Ada Lovelace", email=address)
    screen.fact("response", f"{page.status} after {page.seconds * 1000:,.0f} ms")
    mail = troupe.wait_for(
        lambda: mailbox.find_mail(settings.DATA_DIR / "mail", address),
        f"the e-mail to {address}",
    )
    took = milliseconds(clicked, time.perf_counter())
    screen.fact("e-mail", f"there {took} after the click")
    screen.lines(f"To: {mail['To']}\nSubject: {mail['Subject']}\n{mail.get_content()}")
    jobs = _JOB.findall(browser.get("/").text)
    welcome, credit = (job for job in dict.fromkeys(jobs))
    _show(screen, finish(troupe, tasks.send_welcome_email.get_result(welcome)))
    _show(screen, finish(troupe, tasks.credit_points.get_result(credit)))
    member = Member.objects.get(user__email=address)
    screen.fact(
        "points",
        f"{member.points}, by {member.bookings.count()} booking: an atomic task "
        f"books exactly once",
    )


def look_up_rates(screen, troupe, browser):
    screen.title("A service is down twice: the task is tried again")
    page = _submit(browser, "/rates/", form="/")
    clicked = time.perf_counter()
    result = tasks.look_up_rates.get_result(_job_of(page))
    for number in (1, 2):

        def failed(number=number):
            result.refresh()
            return result.errors[number - 1 :] or None

        (error, *_) = troupe.wait_for(failed, f"attempt {number} to fail")
        took = milliseconds(clicked, time.perf_counter())
        reason = error.traceback.strip().splitlines()[-1]
        screen.fact(f"attempt {number}", f"{reason} (after {took})")
    finish(troupe, result)
    took = milliseconds(clicked, time.perf_counter())
    screen.fact(f"attempt {result.attempts}", f"{result.return_value} (after {took})")
    _show(screen, result)


def build_report(screen, troupe, browser):
    screen.title("A report is built, and its worker killed on the way")
    page = _submit(browser, "/reports/", form="/")
    result = tasks.build_report.get_result(_job_of(page))
    _watch(screen, troupe, browser, page.location, until=0.4)
    result.refresh()
    worker = Process.objects.filter(name=result.worker_ids[-1]).first()
    if worker is None or not worker.name.startswith(troupe.name_of("reports")):
        raise Failure(f"{result.worker_ids} of another site works on this database.")
    os.kill(worker.pid, signal.SIGKILL)
    screen.fact("kill -9", f"of process {worker.pid}, which was building it")
    _watch(screen, troupe, browser, page.location, until=1)
    finish(troupe, result)
    screen.fact("attempts", f"{result.attempts}: the next worker went on with it")
    _show(screen, result)


def write_newsletter(screen, troupe, browser, password):
    members = _gather_readers()
    screen.title(f"A newsletter to {members} members: a job for each, in one call")
    login = "/accounts/login/"
    _submit(browser, login, username="demo", password=password)
    clicked = time.perf_counter()
    page = _submit(
        browser, "/newsletters/", subject="New books", body="Come and see them."
    )
    screen.fact("response", f"{page.status} after {page.seconds * 1000:,.0f} ms")
    _watch(screen, troupe, browser, page.location, until=1)
    took = milliseconds(clicked, time.perf_counter())
    screen.fact("letters", f"all sent {took} after the click")


def schedule(screen, troupe, site):
    screen.title("A schedule: every two seconds, each time exactly once")
    name = "Count the members"
    Schedule.objects.filter(name=name).delete()
    row = Schedule.objects.create(
        name=name,
        description="Made by the demo. Have a look at its history.",
        task_path=tasks.count_members.module_path,
        kind=Schedule.Kind.INTERVAL,
        every=timedelta(seconds=2),
    )
    for number in (1, 2, 3):

        def due(number=number):
            rows = Tick.objects.filter(schedule=row, outcome="enqueued")
            return rows.order_by("due_at")[number - 1 : number].first()

        tick = troupe.wait_for(due, f"run {number} of the schedule")
        result = finish(troupe, tasks.count_members.get_result(str(tick.job_id)))
        late = milliseconds(tick.due_at, result.started_at)
        screen.fact(
            f"{tick.due_at:%H:%M:%S}",
            f"{result.return_value} members, counted {late} after it was due",
        )
    Schedule.objects.filter(pk=row.pk).update(enabled=False)
    screen.fact("paused", "by an UPDATE; the beat saw that within a second")
    screen.fact("from code", _declared())
    screen.fact("your own", f"{site}/admin/django_bgtasks/schedule/add/")


def _declared():
    rows = Schedule.objects.filter(origin=Schedule.Origin.CODE).order_by("name")
    return ", ".join(f"{row.name.rpartition('.')[2]} ({row.crontab})" for row in rows)


def _gather_readers():
    """See to it that there is somebody to write to; return how many there are."""
    users = get_user_model().objects
    names = [f"reader{number}@example.com" for number in range(READERS)]
    known = set(users.filter(username__in=names).values_list("username", flat=True))
    users.bulk_create(
        users.model(username=name, email=name) for name in names if name not in known
    )
    Member.objects.bulk_create(
        Member(user=user) for user in users.filter(username__in=names, member=None)
    )
    return Member.objects.count()


def _submit(browser, path, **form):
    page = browser.submit(path, **form)
    if page.status != 302:
        raise Failure(f"The site answered {path} with status {page.status}.")
    return page


def _job_of(page):
    return _JOB.search(page.location)[1]


def _watch(screen, troupe, browser, path, *, until):
    """Draw a page's progress, asked for over HTTP, until that share is done."""

    def look():
        status = json.loads(browser.get(f"{path}status/").text)
        if progress := status["progress"]:
            screen.bar("progress", progress["done"], progress["total"])
            if progress["done"] >= until * progress["total"]:
                return progress
        return status if status["finished"] else None

    troupe.wait_for(look, f"the progress of {path}")
    screen.end_bar()


def _show(screen, result):
    """Show a job's row."""
    waited = milliseconds(result.enqueued_at, result.started_at)
    ran = milliseconds(result.last_attempted_at, result.finished_at)
    screen.fact(
        "job",
        f"{result.task.name}: {result.status}, attempts {result.attempts}, "
        f"waited {waited}, ran {ran}",
    )
    screen.fact("", result.id)
