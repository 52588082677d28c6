"""A real Chromium on the admin of this run's own database.

Tests here run once, on the first database, unless they are marked
``every_database``. Screenshots go to ``build/screenshots``; ``make screenshots``
renews those that the documentation shows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from tests import databases

from .visit import Visit

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--hide-scrollbars"),
    *("--lang=en-US", "--force-device-scale-factor=1", "--window-size=1280,900"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker("slow")
        if not item.get_closest_marker("every_database"):
            item.add_marker("once")


def _missing() -> str:
    """Return what is missing for a browser, or an empty text."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed; the extra 'test' has it"
    if not any(map(shutil.which, CHROMIUMS)):
        return "Chromium is not installed; on Debian: apt install chromium"
    if not shutil.which("chromedriver"):
        return "chromedriver is not installed; on Debian: apt install chromium-driver"
    return ""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for the whole run; a test gets it clean, as `visit`."""
    if why := _missing():
        if databases.is_required("browser"):
            pytest.fail(f"BGTASKS_REQUIRE names the browser, but {why}.")
        pytest.skip(why)
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, CHROMIUMS)))
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def live_server(django_db_setup: None) -> Iterator[LiveServer]:
    """pytest-django's, begun when the database has its name.

    Before that it looks like SQLite in memory, whose connection threads share.
    """
    server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def visit(chromium: Any, live_server: LiveServer) -> Iterator[Visit]:
    """Somebody at the browser, not signed in; see `as_admin` and `sign_in`.

    The test fails if the browser's console has an error in the end, such as a
    script that was refused by the site's content security policy.
    """
    someone = Visit(chromium, live_server.url, SCREENSHOTS)
    someone.desk()
    someone.resize(1280, 900)
    someone.emulate()
    yield someone
    errors = someone.console_errors()
    # What the page still asks for would meet the emptying of the tables.
    chromium.get("about:blank")
    chromium.delete_all_cookies()
    assert errors == []


@pytest.fixture
def sign_in(visit: Visit) -> Callable[..., User]:
    """Sign in a member of the staff with these permissions, such as "view_job"."""

    def enter(*codenames: str, superuser: bool = False, name: str = "ada") -> User:
        user = User.objects.create_user(name, is_staff=True, is_superuser=superuser)
        found = Permission.objects.filter(
            content_type__app_label="django_bgtasks", codename__in=codenames
        )
        assert len(found) == len(codenames), "There is no such permission."
        user.user_permissions.set(found)
        client = Client()
        client.force_login(user)
        visit.add_cookie(
            settings.SESSION_COOKIE_NAME,
            client.cookies[settings.SESSION_COOKIE_NAME].value,
        )
        return user

    return enter


@pytest.fixture
def as_admin(sign_in: Callable[..., User], visit: Visit) -> Visit:
    """A superuser at the browser."""
    sign_in(superuser=True)
    return visit
