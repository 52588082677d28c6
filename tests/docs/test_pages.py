"""What the documentation shows can be read by those it is for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from .pages import DOCS, PAGES, blocks, read

pytestmark = pytest.mark.once


def test_site_is_built_without_a_warning(tmp_path: Path) -> None:
    for module in ("sphinx", "myst_parser"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed; the extra 'docs' has it")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"),
            *("-b", "dummy", "-d", tmp_path / "doctrees", DOCS, tmp_path),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_link_leads_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(page))
    folder = (DOCS / page).parent
    assert [each for each in targets if not (folder / each).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_is_in_a_table_of_contents(page: str) -> None:
    if page == "index.md":
        return
    path = DOCS / page
    parent = path.parent.parent if path.name == "index.md" else path.parent
    index = (parent / "index.md").read_text()
    name = path.relative_to(parent).with_suffix("").as_posix()
    (listed,) = re.findall(
        r"^```\{toctree\}\n(.*?)^```", index, re.MULTILINE | re.DOTALL
    )
    assert name in listed.split()


@pytest.mark.parametrize("page", PAGES)
def test_python_is_python(page: str) -> None:
    for caption, text in blocks(page, "python"):
        # Top-level await is for shells.
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compile(text, f"{page} {caption}", "exec", flags=flags, dont_inherit=True)
    for _, text in blocks(page, "pycon"):
        for line in re.findall(r"^>>> (.*)$", text, re.MULTILINE):
            compile(line, page, "single", dont_inherit=True)


@pytest.mark.parametrize("page", PAGES)
def test_import_from_the_package_works(page: str) -> None:
    lines = re.findall(
        r"^from (django_bgtasks[\w.]*) import (.+)$", read(page), re.MULTILINE
    )
    for module, names in lines:
        for name in names.split(","):
            __import__(module)
            assert hasattr(sys.modules[module], name.strip()), (module, name)


def test_read_the_docs_builds_what_make_builds() -> None:
    root = DOCS.parent
    settings = (root / ".readthedocs.yaml").read_text()
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert "configuration: docs/conf.py" in settings
    assert "fail_on_warning: true" in settings
    assert "extra_requirements: [docs]" in settings
    assert any("sphinx" in each for each in extras["optional-dependencies"]["docs"])
