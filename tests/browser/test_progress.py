"""The bar on a site's own page, in a real browser, with a real worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from django_bgtasks.lifecycle import report
from django_bgtasks.models import Job
from tests.inline import InlineWorker
from tests.processes import CommandProcess
from tests.site.tasks import answer, climb
from tests.waiting import eventually

from .visit import Visit

STEPS = 4
BAR = "#bar-1 bgtasks-progress"
LISTEN = """
window.heard = [];
for (const name of ["bgtasks:progress", "bgtasks:finished", "bgtasks:gone"])
  document.addEventListener(name, (event) => heard.push([event.type, event.detail]));
"""


@pytest.fixture(autouse=True)
def _pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.site.urls"


@pytest.fixture
def options(settings: Any) -> Callable[..., None]:
    def change(**given: Any) -> None:
        backend = {**settings.TASKS["default"], "OPTIONS": given}
        settings.TASKS = {**settings.TASKS, "default": backend}

    return change


class Climb:
    """A job that goes on when it is told to, and the page that shows it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.result = answer.enqueue({"top": STEPS})
        self.worker = InlineWorker()

    def open(self, *, stream: bool, **more: str) -> None:
        query = {"job": self.result.id, **({"stream": "1"} if stream else {}), **more}
        self.visit.open(f"/bars/?{urlencode(query)}")
        self.visit.script(LISTEN)

    def start(self) -> None:
        self.job = self.worker.claim_one()

    def step(self, number: int) -> None:
        values = {"done": number, "total": STEPS}
        report.store("default", self.result.id, values, timezone.now())

    def finish(self) -> None:
        self.worker.run(self.job)

    def shows(self, number: int) -> None:
        """Wait until the page shows that the job has come so far."""
        self.visit.wait_for_text(BAR, f"{number} of {STEPS}")

    @property
    def value(self) -> float | None:
        """What a reader of the page is told of the bar; None while it swings."""
        script = f"const bar = document.querySelector('{BAR} progress');"
        script += "return bar.position < 0 ? null : bar.position"
        found: float | None = self.visit.script(script)
        return found

    @property
    def heard(self) -> list[tuple[str, Any]]:
        return [tuple(each) for each in self.visit.script("return window.heard")]

    @property
    def asked(self) -> list[str]:
        """Return the kinds of addresses that the page has asked."""
        names = self.visit.script(
            "return performance.getEntriesByType('resource').map((each) => each.name)"
        )
        return [
            kind for kind in ("status", "events") for n in names if f"/{kind}/" in n
        ]


@pytest.fixture
def climbing(visit: Visit, transactional_db: None) -> Climb:
    return Climb(visit)


class WithWorker(Climb):
    """The same by a worker process, which looks for a file at each step."""

    def __init__(
        self, visit: Visit, folder: Path, run_manage: Callable[..., CommandProcess]
    ) -> None:
        super().__init__(visit)
        self.result.cancel()
        self.result = climb.enqueue(str(folder), STEPS)
        self.folder = folder
        self.run_manage = run_manage

    def start(self) -> None:
        env = {"DJANGO_SETTINGS_MODULE": "tests.site.settings"}
        self.run_manage("runworker", "--no-reload", "--processes", "1", env=env)

    def step(self, number: int) -> None:
        (self.folder / str(number)).touch()

    def finish(self) -> None:
        self.step(STEPS)


@pytest.fixture(params=["questions", "events"])
def climbing_somehow(
    request: pytest.FixtureRequest,
    visit: Visit,
    tmp_path: Path,
    run_manage: Callable[..., CommandProcess],
) -> Climb:
    if request.param == "questions":
        return Climb(visit)
    return WithWorker(visit, tmp_path, run_manage)


def test_bar_follows_the_job_to_its_end(climbing_somehow: Climb) -> None:
    climbing = climbing_somehow
    stream = isinstance(climbing, WithWorker)
    visit = climbing.visit
    visit.resize(640, 480)
    climbing.open(stream=stream)
    visit.wait_for_text(BAR, "Waiting")
    assert climbing.value == 0
    climbing.start()
    visit.wait_for_text(BAR, "Running")
    climbing.step(1)
    climbing.shows(1)
    assert climbing.value == 0.25
    climbing.step(2)
    climbing.step(3)
    climbing.shows(3)
    visit.screenshot("progress", BAR)
    visit.emulate(dark=True)
    visit.screenshot("progress-dark", BAR)
    climbing.finish()
    visit.wait_for_text(BAR, "Succeeded")
    assert climbing.value == 1
    assert visit.all(BAR)[0].get_attribute("data-state") == "succeeded"

    kinds = [kind for kind, _ in climbing.heard]
    assert kinds[-2:] == ["bgtasks:progress", "bgtasks:finished"]
    assert kinds.count("bgtasks:finished") == 1
    finished = climbing.heard[-1][1]
    assert finished["outcome"] == "succeeded"
    assert finished["return_value"] == {"top": STEPS}
    assert set(climbing.asked) <= {"events" if stream else "status"}


def test_page_follows_several_jobs(climbing: Climb) -> None:
    climbing.start()
    others = [answer.enqueue(number) for number in range(3)]
    visit = climbing.visit
    ids = [climbing.result.id, *(each.id for each in others)]
    visit.open(f"/bars/?{urlencode({'job': ids, 'stream': '1'}, doseq=True)}")
    visit.script(LISTEN)
    for number in (2, 3, 4):
        visit.wait_for_text(f"#bar-{number}", "Waiting")
    climbing.worker.run_ready()
    for number in (2, 3, 4):
        visit.wait_for_text(f"#bar-{number}", "Succeeded")
    visit.wait_for_text("#bar-1", "Running")
    # A browser has few connections to a server: some of the bars ask.
    assert set(climbing.asked) == {"status", "events"}
    climbing.finish()
    visit.wait_for_text("#bar-1", "Succeeded")


def test_bar_that_comes_later_is_followed_and_one_that_goes_is_not(
    climbing: Climb,
) -> None:
    visit = climbing.visit
    climbing.start()
    climbing.open(stream=False)
    visit.wait_for_text(BAR, "Running")
    visit.script(
        "const bar = document.querySelector('#bar-1');"
        "window.kept = bar.innerHTML; bar.textContent = ''"
    )
    heard = len(climbing.heard)
    visit.script("document.querySelector('#bar-1').innerHTML = window.kept")
    climbing.finish()
    visit.wait_for_text(BAR, "Succeeded")
    kinds = [kind for kind, _ in climbing.heard[heard:]]
    assert kinds.count("bgtasks:finished") == 1


def test_without_scripts_the_page_shows_how_things_were(climbing: Climb) -> None:
    visit = climbing.visit
    climbing.start()
    climbing.step(1)
    disable = "Emulation.setScriptExecutionDisabled"
    visit._devtools(disable, {"value": True})
    try:
        visit.open(f"/bars/?job={climbing.result.id}")
        visit.wait_for_text(BAR, "Running")
        climbing.shows(1)
    finally:
        visit._devtools(disable, {"value": False})


def test_bar_speaks_the_language_of_the_page(climbing: Climb, settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    climbing.open(stream=False)
    climbing.visit.wait_for_text(BAR, "Wartet")
    climbing.start()
    climbing.step(1)
    climbing.visit.wait_for_text(BAR, "1 von 4")
    climbing.finish()
    climbing.visit.wait_for_text(BAR, "Erfolgreich")


def test_page_whose_link_has_expired_says_so(
    climbing: Climb, options: Callable[..., None]
) -> None:
    visit = climbing.visit
    climbing.open(stream=False)
    visit.wait_for_text(BAR, "Waiting")
    options(STATUS_TOKEN_AGE=0.001)
    visit.wait_for_text(BAR, "load the page again")
    assert climbing.heard[-1] == (
        "bgtasks:gone",
        {"id": climbing.result.id, "state": "refused"},
    )
    (error,) = visit.console_errors()
    assert "403" in error


def test_page_of_a_job_that_vanishes_says_so(climbing: Climb) -> None:
    visit = climbing.visit
    climbing.open(stream=True)
    visit.wait_for_text(BAR, "Waiting")
    Job.objects.filter(pk=climbing.result.id).delete()
    visit.wait_for_text(BAR, "No longer kept")
    assert climbing.heard[-1][0] == "bgtasks:gone"


def test_page_whose_stream_is_refused_asks_instead(
    climbing: Climb, options: Callable[..., None]
) -> None:
    options(STATUS_STREAM=0.01)
    climbing.open(stream=True)
    climbing.visit.wait_for_text(BAR, "Waiting")
    options(STATUS_STREAM=0)
    eventually(lambda: "status" in climbing.asked, "a question")
    climbing.start()
    climbing.finish()
    climbing.visit.wait_for_text(BAR, "Succeeded")


def test_bar_fits_on_a_phone(climbing: Climb) -> None:
    climbing.visit.phone()
    climbing.open(stream=False)
    climbing.visit.wait_for_text(BAR, "Waiting")
    assert not climbing.visit.is_wider_than_the_screen()
