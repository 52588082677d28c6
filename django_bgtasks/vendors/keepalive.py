"""Connections whose other end is gone, though nobody has said so."""

from __future__ import annotations

import os
import socket
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

# Seconds of silence until the server's host is asked whether it is there, between
# two such questions, and how many stay unanswered until it is taken for gone. By the
# defaults of most systems that takes two hours.
_IDLE, _BETWEEN, _QUESTIONS = 10, 5, 3
_OPTIONS = {
    "TCP_KEEPIDLE": _IDLE,
    "TCP_KEEPINTVL": _BETWEEN,
    "TCP_KEEPCNT": _QUESTIONS,
    # The same for what was sent and is not acknowledged, in milliseconds.
    "TCP_USER_TIMEOUT": (_IDLE + _BETWEEN * _QUESTIONS) * 1000,
}


def notice_lost_servers() -> None:
    """Have this process notice within half a minute that a server's host is gone.

    Also while it waits for an answer. It concerns connections over TCP, open ones and
    those to come, but for databases whose OPTIONS say something about it themselves.
    """
    connection_created.connect(_equip, dispatch_uid=__name__)
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _equip(connection)


def _equip(connection: Any, **kwargs: Any) -> None:
    options = connection.settings_dict["OPTIONS"]
    said = any(name.startswith(("keepalive", "tcp_user")) for name in options)
    if said or not hasattr(connection.connection, "fileno"):
        return
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        if line.family not in (socket.AF_INET, socket.AF_INET6):
            return
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _OPTIONS.items():
            if (option := getattr(socket, name, None)) is not None:
                line.setsockopt(socket.IPPROTO_TCP, option, value)
