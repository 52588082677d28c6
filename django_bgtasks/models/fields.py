from __future__ import annotations

from typing import Any

from django.db import models

from .. import payload


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
