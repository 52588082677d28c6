"""Faults under load, and a ledger that says whether a promise was broken.

``python -m tests.chaos`` (``make chaos``) starts workers, beats and callers on a
server of its own, harms them by a schedule that a seed decides, lets them recover,
and compares what was asked for with what was done. See ``ledger``.
"""
