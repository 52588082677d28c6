"""The demo from beginning to end."""

import fcntl
import os
import secrets
import signal
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import Error, connection

from example_project.club import tasks

from . import acts, mailbox
from .browser import Browser
from .processes import Failure, Troupe
from .screen import Screen, milliseconds

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))


def play():
    """Return the exit code: 0, or 1 if something did not come."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    # A shell that starts it in the background has it ignore Ctrl-C otherwise.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    lock = (settings.DATA_DIR / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _complain(f"Another demo is at work in {_short(settings.DATA_DIR)}.")
    patience = float(os.environ.get("DEMO_PATIENCE", "60"))
    with lock, Troupe(settings.DATA_DIR / "logs", patience) as troupe:
        try:
            _play(Screen(), troupe)
        except Failure as failure:
            return _complain(f"{failure}\n{troupe.tails()}")
        except KeyboardInterrupt:
            print()
    return 0


def _leave(number, frame):
    sys.exit(128 + number)


def _complain(message):
    print(f"\n{message}".rstrip(), file=sys.stderr)
    return 1


def _play(screen, troupe):
    site, password = settings.SITE_URL, secrets.token_urlsafe(6)
    began = time.perf_counter()
    _prepare(screen, password)
    _start(screen, troupe, site)
    acts.sign_up(screen, troupe, Browser(site))
    acts.look_up_rates(screen, troupe, Browser(site))
    acts.build_report(screen, troupe, Browser(site))
    acts.write_newsletter(screen, troupe, Browser(site), password)
    acts.schedule(screen, troupe, site)
    took = milliseconds(began, time.perf_counter())
    screen.title(f"All of it came, in {took}. Where to look:")
    screen.fact("site", site)
    screen.fact("admin", f"{site}/admin/ as demo, password {password}")
    screen.fact("e-mails", _short(settings.DATA_DIR / "mail"))
    screen.fact("logs", _short(settings.DATA_DIR / "logs"))
    python, manage = (_short(Path(part)) for part in MANAGE)
    screen.fact("queues", f"{python} {manage} bgtasks status")
    if not screen.is_live:
        screen.fact("now", "it ends; in a terminal it stays until Ctrl-C")
        return
    screen.fact("end", "Ctrl-C")
    while True:
        time.sleep(0.5)
        troupe.check()


def _prepare(screen, password):
    """Make the mailbox empty, the database ready, and a superuser."""
    python = ".".join(map(str, sys.version_info[:3]))
    screen.title(f"django_bgtasks on Django {django.get_version()}, Python {python}")
    began = time.perf_counter()
    mailbox.clear(settings.DATA_DIR / "mail")
    if "DATABASE_URL" not in os.environ:
        for path in settings.DATA_DIR.glob("db.sqlite3*"):
            path.unlink()
    try:
        connection.ensure_connection()
        call_command("migrate", verbosity=0)
    except Error as error:
        raise Failure(f"The database cannot be used: {error}") from error
    user, _ = get_user_model().objects.get_or_create(username="demo")
    user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    version = ".".join(map(str, connection.get_database_version()))
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        name = _short(Path(name))
    took = milliseconds(began, time.perf_counter())
    screen.fact("database", f"{connection.display_name} {version}, {name}: {took}")


def _start(screen, troupe, site):
    """Start the site and two workers, and wait until each of them has answered."""
    began = time.perf_counter()
    worker = (*MANAGE, "runworker", "--no-reload")
    troupe.start(
        "site", *MANAGE, "runserver", "--noreload", site.removeprefix("http://")
    )
    mine = ("--exclude-queues", "reports", "--name", "worker", "--beat")
    troupe.start("worker", *worker, *mine)
    troupe.start("reports", *worker, "--queues", "reports", "--name", "reports")

    def ready(name, text):
        took = milliseconds(began, time.perf_counter())
        screen.fact(name, f"{text}: ready after {took}")

    troupe.wait_for(lambda: acts.answers(Browser(site)), "the site to answer")
    ready("site", site)
    acts.finish(troupe, tasks.time_pages.enqueue(site, ["/"]))
    ready("worker", "queues default and mail, and the schedules")
    acts.finish(troupe, tasks.build_report.enqueue(0))
    ready("worker", "queue reports")


def _short(path):
    """Show a path as it is from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
