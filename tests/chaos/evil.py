"""What no task should do to the process that runs it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from django.db import connection, transaction

from tests.testapp.models import Effect


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _fault_segment() -> None:
    ctypes.string_at(0)


def _exit_at_once() -> None:
    os._exit(0)


def _exit_politely() -> None:
    sys.exit("enough")


def _fork() -> None:
    """A child that has all the sockets and locks of its parent, for a while."""
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)


def _fork_and_close() -> None:
    """The child ends the parent's session with the database."""
    connection.ensure_connection()
    if os.fork() == 0:
        connection.close()
        os._exit(0)


def _leave_threads() -> None:
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def ignore(*numbers: int) -> None:
    """Have this process ignore signals, as a library in C might, in any thread."""
    set_handler = ctypes.CDLL(None).signal
    set_handler.argtypes = (ctypes.c_int, ctypes.c_void_p)
    set_handler.restype = ctypes.c_void_p
    for number in numbers:
        set_handler(number, signal.SIG_IGN)


def _change_signal_handlers() -> None:
    ignore(signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


def _close_connection() -> None:
    connection.close()


def _shut_socket() -> None:
    """End the session under the driver's hands.

    The descriptor stays: if it was closed, its number might soon be that of another
    thread's session, in which this one's driver would then speak.
    """
    connection.ensure_connection()
    if hasattr(connection.connection, "fileno"):
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as twin:
            twin.shutdown(socket.SHUT_RDWR)


def _leave_transaction_open() -> None:
    transaction.atomic().__enter__()
    Effect.objects.create(key="done:left-open-1-1")


def _leave_transaction_broken() -> None:
    transaction.atomic().__enter__()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


def _leave_autocommit_off() -> None:
    transaction.set_autocommit(False)
    Effect.objects.create(key="done:left-open-1-2")


def _hold_interpreter() -> None:
    bin(3 ** (3 * 10**6))


def _take_all_memory() -> None:
    bytearray(1 << 60)


def _recurse() -> None:
    _recurse()


def _print_binary() -> None:
    sys.stdout.buffer.write(bytes(range(256)))
    sys.stdout.flush()


# Those of the first do not come back.
FATAL: dict[str, Callable[[], None]] = {
    "die": _die,
    "segfault": _fault_segment,
    "exit": _exit_at_once,
}
WAYS: dict[str, Callable[[], None]] = {
    **FATAL,
    "exit politely": _exit_politely,
    "fork": _fork,
    "fork and close": _fork_and_close,
    "threads": _leave_threads,
    "signals": _change_signal_handlers,
    "close": _close_connection,
    "socket": _shut_socket,
    "open": _leave_transaction_open,
    "broken": _leave_transaction_broken,
    "autocommit": _leave_autocommit_off,
    "interpreter": _hold_interpreter,
    "memory": _take_all_memory,
    "recurse": _recurse,
    "binary": _print_binary,
}
