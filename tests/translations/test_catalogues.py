"""Every text of the package is there in German and French, and compiled."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.utils import translation
from django.utils.translation import gettext, ngettext

import django_bgtasks

pytestmark = pytest.mark.once

PACKAGE = Path(django_bgtasks.__file__).parent
LANGUAGES = ("de", "fr")
ADVICE = "Run `make messages`, translate what is empty in locale/*, and run it again"
# What a text is filled with, and the elements within it.
PARTS = re.compile(r"%\(\w+\)[a-z]|(?<!\{)\{\w*\}|</?\w+>")


def catalogue(language: str, package: Path = PACKAGE) -> Catalog:
    path = package / "locale" / language / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


def messages(found: Catalog) -> dict[tuple[str | None, Any], Any]:
    """Return the messages by their context and their text, or texts."""
    return {(each.context, each.id): each for each in found if each.id}


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, whose texts were collected anew."""
    if not shutil.which("xgettext"):
        pytest.skip("GNU gettext is not installed; on Debian: apt install gettext")
    copy = tmp_path_factory.mktemp("texts") / "django_bgtasks"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    languages = [word for each in LANGUAGES for word in ("--locale", each)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "django", "makemessages", *languages),
            *("--add-location", "file", "--no-obsolete", "--no-wrap"),
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return copy


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_package_is_in_the_catalogue(
    language: str, collected: Path
) -> None:
    there = set(messages(catalogue(language)))
    needed = set(messages(catalogue(language, collected)))
    assert needed - there == set(), ADVICE
    assert there - needed == set(), ADVICE


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    for (_, text), message in messages(catalogue(language)).items():
        assert not message.fuzzy, text
        forms = message.string if message.pluralizable else (message.string,)
        assert len(forms) == (2 if message.pluralizable else 1)
        assert all(forms), f"{text!r} is not translated. {ADVICE}."


@pytest.mark.parametrize("language", LANGUAGES)
def test_translation_keeps_the_parts_of_its_text(language: str) -> None:
    for (_, text), message in messages(catalogue(language)).items():
        sources = text if message.pluralizable else (text,)
        forms = message.string if message.pluralizable else (message.string,)
        for source, form in zip(sources, forms, strict=True):
            wanted = sorted(PARTS.findall(source))
            assert sorted(PARTS.findall(form)) == wanted, form


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_up_to_date(language: str) -> None:
    path = PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        compiled = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    wanted: dict[Any, str] = {}
    for (context, text), message in messages(catalogue(language)).items():
        key = text[0] if message.pluralizable else text
        if context is not None:
            key = f"{context}\x04{key}"
        if message.pluralizable:
            wanted |= {(key, n): each for n, each in enumerate(message.string)}
        else:
            wanted[key] = message.string
    del compiled[""]
    assert compiled == wanted, "Run `make messages`."


@pytest.mark.parametrize(
    ("language", "many", "none"),
    [("de", "3 Jobs", "0 Jobs"), ("fr", "3 jobs", "0 job"), ("en", "3 jobs", "0 jobs")],
)
def test_django_speaks_the_language(language: str, many: str, none: str) -> None:
    def jobs(number: int) -> str:
        text = ngettext("%(number)s job", "%(number)s jobs", number)
        return text % {"number": number}

    with translation.override(language):
        assert gettext("Background tasks") == {
            "de": "Hintergrundaufgaben",
            "fr": "Tâches en arrière-plan",
        }.get(language, "Background tasks")
        assert jobs(3) == many
        assert jobs(0) == none
