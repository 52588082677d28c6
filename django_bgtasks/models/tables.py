from __future__ import annotations

from django.db import models

from ..vendors import Table, Vendor


def table_of(model: type[models.Model], vendor: Vendor) -> Table:
    """Describe a model's table to its vendor."""
    table = vendor.tables.get(model)
    if table is None:
        meta = model._meta
        assert meta.pk is not None
        table = vendor.tables[model] = Table(
            name=vendor.quote(meta.db_table),
            key=str(meta.pk.column),
            types={
                str(field.column): str(field.db_type(vendor.connection))
                for field in meta.concrete_fields
            },
        )
    return table
