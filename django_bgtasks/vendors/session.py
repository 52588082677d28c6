"""A connection's clock, and transactions that are tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import transaction
from django.db.utils import InterfaceError, InternalError, OperationalError
from django.utils import timezone

T = TypeVar("T")
# What says that the database is away, for a while. PostgreSQL that became a standby,
# and so takes no writes, calls that an internal error.
OUTAGES = (OperationalError, InterfaceError, InternalError)

# What a moment is read as that is before all of Python's, or is no date at all, and
# what one is that is behind them.
FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


class Session:
    """What is done by a Django connection whatever the rows are."""

    # Begins a transaction that the server is to end if this process falls silent.
    limit_silence = ""
    # The database's clock in SQL; where it is the host's there is none.
    clock = ""
    # Whether raw statements take moments as text, without their zone.
    moments_as_text = False
    # Which of two equal times, where clocks are set back, a naive one stands for.
    fold = 0
    # Whether the database has roles that may be granted parts of the tables.
    has_roles = True
    # How often work is done again before the database's refusal counts.
    tries = 20

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.quote: Callable[[str], str] = connection.ops.quote_name
        # What is put again and again, by whatever its callers tell it apart.
        self.forms: dict[Any, Any] = {}

    def prepare_worker(self) -> None:
        """Set this connection up for the worker's own statements."""

    def prepare_claims(self) -> None:
        """Set this connection up for claims, and for nobody but who claims by it."""

    def leave_server(self) -> None:
        """Close this connection; the next one may lead to another server."""
        self.forget_pooled()
        self.connection.close()

    def forget_pooled(self) -> None:
        """Have Django's pool, if there is one, lend no session that it has now."""

    def now(self) -> datetime:
        """The database's clock, aware."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {self.clock}")
            return self.read_clock(cursor.fetchone()[0])

    def read_clock(self, value: Any) -> datetime:
        """Turn what ``clock`` was in a raw statement into an aware moment."""
        return self.moment(value)

    def to_database(self, moment: datetime | None) -> Any:
        """Turn a moment into what a raw statement takes."""
        if moment is None:
            return None
        if self.moments_as_text and moment.tzinfo is UTC and self._is_in_utc:
            # What Django makes of it as well, in several steps.
            return str(moment.replace(tzinfo=None))
        if settings.USE_TZ:
            return self.connection.ops.adapt_datetimefield_value(moment)
        # By the project's zone: a request may have activated another.
        if timezone.is_aware(moment):
            moment = timezone.make_naive(moment, timezone.get_default_timezone())
        return self.connection.ops.adapt_datetimefield_value(moment)

    def stamp(self, seconds: float | None) -> Any:
        """Turn seconds since 1970 into what the rows of an Insert take."""
        if seconds is None:
            return None
        return self.to_database(datetime.fromtimestamp(seconds, UTC))

    def from_database(self, value: Any) -> datetime | None:
        """Turn what a raw statement returned into an aware moment."""
        if value is None:
            return None
        if not isinstance(value, datetime):
            value = _from_text(value)
        if value.tzinfo is None and self._is_in_utc:
            value = value.replace(tzinfo=UTC)
        elif timezone.is_naive(value):
            zone = timezone.get_default_timezone()
            if settings.USE_TZ:
                zone = self.connection.timezone
            value = timezone.make_aware(value, zone)
        # Of one zone, moments are compared and moved by what its clocks show.
        if value.tzinfo is UTC:
            return cast(datetime, value)
        try:
            return cast(datetime, value.astimezone(UTC))
        except OverflowError:
            # In its own zone it is on the first or the last day.
            return FIRST if value.year == 1 else _LAST

    def readable(self, column: str, *, null: bool = False) -> str:
        """Return SQL of a moment, the nearest one if Python has no date for it.

        What is no date at all is none where the column may be ``null``.
        """
        return column

    def plain(self, column: str) -> str:
        """The same for a raw statement, whose moments ``from_database`` reads."""
        return column

    @property
    def _is_in_utc(self) -> bool:
        return settings.USE_TZ and self.connection.timezone is UTC

    def moment(self, value: Any) -> datetime:
        """The same, of a column that cannot be NULL."""
        # The driver of MySQL reads 0000-00-00 as None.
        return self.from_database(value) or FIRST

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction on this connection, or the one that is open."""
        with transaction.atomic(self.connection.alias, savepoint=False):
            yield

    @contextmanager
    def brief(self) -> Iterator[None]:
        """A transaction that holds its rows for no longer than its process goes on.

        One that stands still in it, or whose host is gone, loses it after seconds;
        on SQLite, whose transactions end with their process, only if it ends.
        """
        with self.atomic():
            if self.limit_silence:
                with self.connection.cursor() as cursor:
                    cursor.execute(self.limit_silence)
            yield

    def as_stored(self, moment: datetime) -> datetime:
        """Return an aware moment as it is once it was written and read.

        Where USE_TZ is False, of an hour that comes twice there is one.
        """
        if settings.USE_TZ:
            return moment
        zone = timezone.get_default_timezone()
        naive = timezone.make_naive(moment, zone).replace(fold=self.fold)
        # In UTC: in a zone, a time that comes twice equals no other.
        return timezone.make_aware(naive, zone).astimezone(UTC)

    @property
    def writes_alone(self) -> bool:
        """Whether no other connection can write while this one is as it is."""
        return False

    @property
    def in_callers_transaction(self) -> bool:
        """Whether somebody else will commit what is done now, and when is unknown.

        The transactions that a TestCase wraps around each test do not count.
        """
        blocks = self.connection.atomic_blocks
        return not all(getattr(block, "_from_testcase", False) for block in blocks)

    def persist(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a transaction, again if the database asks for that.

        A deadlock or a serialization failure is no error of the work; anything
        else propagates. So does such a failure inside of a transaction that was
        open before: it is lost, and only who began it can begin again.
        """
        for turn in range(self.tries):
            try:
                return work()
            except OperationalError as error:
                if self.connection.in_atomic_block or not self.asks_again(error):
                    raise
                # Both sides of a deadlock come back; at different times, please.
                time.sleep(random.uniform(0, 0.005 * (turn + 1)))
        return work()

    def asks_again(self, error: OperationalError) -> bool:
        """Whether the same work may well succeed when it is done again."""
        raise NotImplementedError


def _from_text(value: Any) -> datetime:
    """Read a moment as SQLite keeps it: as text, or as what a hand put there."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return FIRST
