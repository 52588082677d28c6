"""Holds the import of ``slow`` until it is opened."""

from threading import Event

reached, opened = Event(), Event()
