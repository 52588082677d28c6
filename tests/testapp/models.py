from django.db import models


class Effect(models.Model):
    """What a task did, in a ledger: one row each time it did it."""

    key = models.CharField(max_length=200, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key
