"""The documentation: ``make docs`` builds it into ``docs/_build/html``."""

from __future__ import annotations

import sys
from pathlib import Path

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# The reference is made of docstrings, and models need settings to be imported.
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django_bgtasks",
        *([] if django.VERSION >= (6, 0) else ["django_tasks"]),
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TASKS={"default": {"BACKEND": "django_bgtasks.backend.DatabaseBackend"}},
    USE_TZ=True,
)
django.setup()

from django_bgtasks import __version__  # noqa: E402

project = "django-bgtasks"
author = "The django-bgtasks contributors"
copyright = author  # noqa: A001 (Sphinx wants this name)
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autoclass_content = "class"

html_theme = "furo"
html_title = f"django-bgtasks {release}"
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
html_show_sphinx = False
