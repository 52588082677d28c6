"""What the arithmetic of local time takes for granted, in every zone there is."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest

from django_bgtasks.periodic.zones import (
    NEAR,
    Change,
    change_within,
    changes_within,
    first_instant,
    skipped_day,
    zone_named,
)

pytestmark = pytest.mark.once


def recorded_changes(name: str) -> list[tuple[datetime, int, int]]:
    """Return the changes of the offset that the file of a zone lists since 1900."""
    path = next((p for p in TZPATH if (Path(p) / name).is_file()), None)
    if path is None:
        pytest.skip("The zones of this machine come from a package, not from files")
    data = (Path(path) / name).read_bytes()
    counts = struct.unpack(">6l", data[20:44])
    # The second block has numbers of 64 bits.
    start = 44 + counts[3] * 5 + counts[4] * 6 + counts[5] + counts[2] * 8
    start += counts[0] + counts[1]
    _, _, _, times, types, _ = struct.unpack(">6l", data[start + 20 : start + 44])
    start += 44
    moments = struct.unpack(f">{times}q", data[start : start + 8 * times])
    kinds = data[start + 8 * times : start + 9 * times]
    start += 9 * times
    offsets = [
        struct.unpack(">lbb", data[start + 6 * n : start + 6 * n + 6])[0]
        for n in range(types)
    ]
    found, before = [], offsets[0]
    for moment, kind in zip(moments, kinds, strict=True):
        after = offsets[kind]
        if after != before and moment > -2_208_988_800:
            found.append((datetime.fromtimestamp(moment, UTC), before, after))
        before = after
    return found


def test_changes_of_every_zone_are_days_apart_and_less_than_near():
    close, wide = [], []
    for name in available_timezones():
        if name == "localtime":
            continue
        changes = recorded_changes(name)
        offsets = {offset for _, *pair in changes for offset in pair}
        if offsets and timedelta(seconds=max(offsets) - min(offsets)) >= NEAR:
            wide.append(name)
        for one, other in pairwise(changes):
            if other[0] - one[0] <= timedelta(days=3):
                close.append((name, one, other))
    assert close == []
    assert wide == []


@pytest.mark.parametrize(
    "name", ["America/New_York", "Africa/Casablanca", "Pacific/Apia", "Asia/Gaza"]
)
def test_every_recorded_change_is_found(name):
    begin, end = datetime(1902, 1, 1), datetime(2037, 1, 1)
    found = [
        (each.at, each.before.total_seconds(), each.after.total_seconds())
        for each in changes_within(ZoneInfo(name), begin, end)
    ]
    assert found == [
        (moment.replace(tzinfo=None), before, after)
        for moment, before, after in recorded_changes(name)
        if begin < moment.replace(tzinfo=None) <= end
    ]


def test_bounds_of_a_search_are_after_and_until():
    zone, change = zone_named("Europe/Berlin"), datetime(2026, 3, 29, 1)
    second = timedelta(seconds=1)
    assert change_within(zone, change, change + second) is None
    found = change_within(zone, change - second, change)
    assert found is not None
    assert (found.at, found.after - found.before) == (change, timedelta(hours=1))
    assert change_within(zone, change - timedelta(days=1), change - second) is None


def test_reading_that_is_skipped_is_first_passed_at_the_change():
    zone = zone_named("Europe/Berlin")
    change = datetime(2026, 3, 29, 1)
    for minute in (0, 1, 59):
        assert first_instant(zone, datetime(2026, 3, 29, 2, minute)) == change
    assert first_instant(zone, datetime(2026, 3, 29, 3)) == change
    # 02:30 comes twice in autumn; the first is in summer time.
    twice = datetime(2026, 10, 25, 2, 30)
    assert first_instant(zone, twice) == twice - timedelta(hours=2)


def test_only_a_whole_day_is_skipped():
    apia = zone_named("Pacific/Apia")
    assert first_instant(apia, datetime(2011, 12, 30, 12)) is None
    assert first_instant(apia, datetime(2011, 12, 31)) == datetime(2011, 12, 30, 10)
    # Seven hours forward, but no day is lost.
    vostok = zone_named("Antarctica/Vostok")
    (change,) = changes_within(vostok, datetime(1994, 10, 30), datetime(1994, 11, 3))
    assert change.after - change.before == timedelta(hours=7)
    assert skipped_day(change) is None


def test_day_of_which_hours_are_left_is_not_skipped():
    def change(hours: int) -> Change:
        return Change(datetime(2026, 1, 1, 10), timedelta(), timedelta(hours=hours))

    assert skipped_day(change(24)) is None
    assert skipped_day(change(37)) is None
    assert skipped_day(change(38)) == datetime(2026, 1, 2)
