"""What the templates of the admin's live pages need.

Django imports all libraries of tags wherever it renders templates, also where the
site has no admin. So the admin is imported only when a tag is used.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext

from ..models import Process
from ..overview.counts import Count
from ..results import public

register = template.Library()


@register.inclusion_tag("admin/django_bgtasks/overview/live.html", takes_context=True)
def bgtasks_overview(context: Any) -> dict[str, Any]:
    """Draw the overview, as far as the user may see it."""
    from ..admin import live

    found = live.overview_context(context["request"], back="index")
    return {**found, "csrf_token": context.get("csrf_token")}


@register.filter
def count(value: Any) -> str:
    """Write a number with the language's separators, and 10,000+ for a bounded one."""
    if isinstance(value, Count):
        number = number_format(value.number, force_grouping=True)
        return number if value.exact else f"{number}+"
    if 0 <= value < 1000:
        # There are many of these, and Django's way takes long.
        return str(value)
    return number_format(value, force_grouping=True)


@register.filter
def local(moment: datetime) -> datetime:
    """Show a moment in the zone that the site shows others in."""
    return public(moment)


@register.filter
def kind(value: str) -> str:
    """Say what kind of process it is."""
    return str(dict(Process.Kind.choices).get(value, value))


@register.filter
def raw(value: float | None) -> str:
    """Write a number for a script, which knows no language; "-" for None."""
    return "-" if value is None else f"{value:.6g}"


@register.filter
def age(length: timedelta | float | None) -> str:
    """Write a length of time by its two largest units, or "-" for None."""
    if length is None:
        return "-"
    if isinstance(length, timedelta):
        length = length.total_seconds()
    if length < 1:
        return gettext("%(number)s ms") % {"number": round(length * 1000)}
    if length < 10:
        number = number_format(length, 1)
        return gettext("%(number)s s") % {"number": number}
    seconds = round(length)
    if seconds < 60:
        return gettext("%(number)s s") % {"number": seconds}
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return gettext("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    if hours:
        numbers = {"hours": hours, "minutes": minutes}
        return gettext("%(hours)s h %(minutes)s min") % numbers
    numbers = {"minutes": minutes, "seconds": seconds}
    return gettext("%(minutes)s min %(seconds)s s") % numbers


@register.filter
def rate(per_second: float) -> str:
    """Write a number per second, or per minute where it is small; "-" for none."""
    if per_second <= 0:
        return "-"
    if per_second < 1:
        number = number_format(per_second * 60, 1)
        return gettext("%(number)s/min") % {"number": number}
    number = number_format(
        per_second, 1 if per_second < 100 else 0, force_grouping=True
    )
    return gettext("%(number)s/s") % {"number": number}
