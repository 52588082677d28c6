"""A module that cannot be imported."""

raise RuntimeError("no setting SHOP_KEY")
