"""Periodic tasks: when they are due, what is missed, and who enqueues them.

``crontab``, ``interval``, ``clocked`` and ``solar`` say when a schedule is due, and
``decide`` what to do about it. They are pure: they read neither a clock nor a
database.
"""
