from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from .. import payload
from ..vendors import vendor_of


class JSONTextField(models.TextField):  # type: ignore[type-arg]
    """JSON kept as the text it was written as.

    A database's own JSON type may reorder keys, turn 1e22 into an integer or
    round a large one; arguments must arrive as they were sent. It is also the
    same on every vendor, and cheaper to write.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if value is None:
            return None
        try:
            return payload.load(value)
        except ValueError:
            # Written by hand. The job fails with that; to read it must be possible.
            return value

    def to_python(self, value: Any) -> Any:
        return payload.load(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        return payload.dump(payload.normalize(value, self.name), self.name, 2**62)

    def value_to_string(self, obj: Any) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))


class MomentField(models.DateTimeField):  # type: ignore[type-arg]
    """A datetime that can always be read, whatever was written by hand.

    A moment that Python has no date for, such as PostgreSQL's infinity, is read as
    the first or the last one it has: else nobody could read the row. The column is
    that of a DateTimeField, and migrations know it as that.
    """

    def get_internal_type(self) -> str:
        return "DateTimeField"

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        # Parameters cannot be repeated; columns have none.
        if params:
            return sql, params
        return vendor_of(compiler.connection).readable(sql, null=self.null), params


class MentionedJobField(models.UUIDField):  # type: ignore[type-arg]
    """The id of a job that may be gone; None if a hand has put there what is no id.

    SQLite and MySQL take any text, and Django would then read neither the row nor what
    is joined to it. The column is that of a UUIDField, as migrations know it, too.
    """

    def get_internal_type(self) -> str:
        # By that name Django would convert the value before this field could.
        return "MentionedJobField"

    def db_type(self, connection: Any) -> str | None:
        return models.UUIDField().db_type(connection)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.UUIDField", args, kwargs

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None or isinstance(value, UUID):
            return value
        try:
            return UUID(value)
        except (AttributeError, TypeError, ValueError):
            return None


def job_key(related_name: str) -> Any:
    """Return a primary key that is a job's, without a constraint.

    A constraint would lock the job's row and let writers wait for each other.
    """
    return models.OneToOneField(
        "django_bgtasks.Job",
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name=related_name,
    )
