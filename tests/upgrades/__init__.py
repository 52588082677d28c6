"""Two revisions of the package at work on one database, while it is migrated.

``python -m tests.upgrades`` (``make upgrades``) deploys this code beside an older one,
under load, and audits what came of it with the ledger of ``tests.chaos``.
"""
