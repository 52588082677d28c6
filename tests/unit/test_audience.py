"""A record is made wherever somebody may get it, and nowhere else."""

from __future__ import annotations

import functools
import logging
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest
from django.utils.log import RequireDebugTrue

from django_bgtasks import audience
from django_bgtasks.audience import reaches


@pytest.fixture
def logger() -> logging.Logger:
    """A logger that nobody else knows of, and that passes nothing on."""
    return logging.Logger("alone", logging.INFO)


def handler(level: int, *filters: logging.Filter) -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setLevel(level)
    for each in filters:
        handler.addFilter(each)
    return handler


def anew() -> ModuleType:
    """The module as it is where it is imported only now."""
    assert audience.__file__ is not None
    spec = spec_from_file_location("django_bgtasks.audience_anew", audience.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_record_without_a_handler_of_its_level_reaches_nobody(logger):
    logger.addHandler(handler(logging.WARNING))
    assert not reaches(logger, logging.INFO)
    assert reaches(logger, logging.WARNING)


def test_handler_that_comes_later_is_reached(logger):
    logger.addHandler(handler(logging.WARNING))
    assert not reaches(logger, logging.INFO)
    logger.addHandler(handler(logging.INFO))
    assert reaches(logger, logging.INFO)


def test_handler_for_debugging_is_reached_while_debug_is_on(logger, settings):
    logger.addHandler(handler(logging.INFO, RequireDebugTrue()))
    settings.DEBUG = False
    assert not reaches(logger, logging.INFO)
    settings.DEBUG = True
    assert reaches(logger, logging.INFO)


def test_records_that_somebody_filters_are_made(logger):
    logger.addHandler(handler(logging.WARNING))
    logger.addFilter(lambda record: True)
    assert reaches(logger, logging.INFO)


@pytest.mark.parametrize("name", ["handle", "callHandlers"])
@pytest.mark.parametrize("is_imported_later", [False, True])
def test_records_that_are_watched_on_their_way_are_made(
    logger, monkeypatch, name, is_imported_later
):
    """As by Sentry, which settings begin before any application is imported."""
    logger.addHandler(handler(logging.WARNING))
    original = getattr(logging.Logger, name)

    @functools.wraps(original)
    def watched(self: logging.Logger, record: logging.LogRecord) -> Any:
        return original(self, record)

    monkeypatch.setattr(logging.Logger, name, watched)
    module = anew() if is_imported_later else audience
    assert module.reaches(logger, logging.INFO)


def test_logger_of_a_class_that_has_its_own_way_gets_its_records(logger):
    class Own(logging.Logger):
        def handle(self, record: logging.LogRecord) -> None:
            """Goes elsewhere."""

    own = Own("own", logging.INFO)
    own.addHandler(handler(logging.WARNING))
    assert reaches(own, logging.INFO)
