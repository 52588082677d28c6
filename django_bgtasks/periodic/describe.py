"""Crontabs in words."""

from __future__ import annotations

import re
from functools import lru_cache

from cron_descriptor import (
    CasingTypeEnum,
    DescriptionTypeEnum,
    ExpressionDescriptor,
    Options,
)

from .syntax import days_are_either, parse_crontab, spelled_out

_LAST_WEEKDAY = re.compile(r"\bL(\d)")


def describe(expression: str) -> str:
    """Return a crontab in English words, or as it is if there are none for it.

    Raise ``ValueError`` if it is not valid.
    """
    parse_crontab(expression)
    return _describe(spelled_out(expression)) or expression


@lru_cache(maxsize=4096)
def _describe(spelled: str) -> str:
    # The library has L and W in capitals, and the last Friday as 5L.
    *clock, day, month, weekday = _LAST_WEEKDAY.sub(r"\1L", spelled.upper()).split()
    try:
        if "*" in (day, weekday) or "?" in (day, weekday):
            return _words(*clock, day, month, weekday)
        by_date = _words(*clock, day, month, "*")
        months = _words(*clock, day, month, "*", part=DescriptionTypeEnum.MONTH)
        weekdays = _words(*clock, "*", "*", weekday, part=DescriptionTypeEnum.DAYOFWEEK)
    except Exception:
        # The library raises errors of many kinds for what it was not made for.
        return ""
    weekdays = weekdays.removeprefix(", ").removeprefix("only ")
    link = "or" if days_are_either(day, weekday) else "but only"
    return f"{by_date.removesuffix(months)}, {link} {weekdays}{months}"


def _words(*fields: str, part: DescriptionTypeEnum = DescriptionTypeEnum.FULL) -> str:
    # Releases before 2.0 take no arguments; django-celery-beat asks for those.
    options = Options()
    options.casing_type = CasingTypeEnum.Sentence
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    return str(ExpressionDescriptor(" ".join(fields), options).get_description(part))
