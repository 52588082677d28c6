"""Settings of all that takes part in a soak; the site has its apps and pages too."""

from __future__ import annotations

import os

from tests import settings as whole
from tests.chaos.settings import *  # noqa: F403
from tests.chaos.settings import INSTALLED_APPS

if os.environ.get("BGTASKS_SOAK_SITE"):
    INSTALLED_APPS = [*whole.INSTALLED_APPS, INSTALLED_APPS[-1]]
    ROOT_URLCONF = "tests.soak.urls"
    ALLOWED_HOSTS = ["testserver"]
