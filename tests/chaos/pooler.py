"""PgBouncer in transaction mode, in front of a PostgreSQL server of ours."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.waiting import eventually

from .disk import Refused
from .servers import NAME, USER, PostgreSQL

_SETTINGS = """
[databases]
{name} = host={server} dbname={name} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 500
default_pool_size = {size}
ignore_startup_parameters = extra_float_digits
logfile = {directory}/log
pidfile = {directory}/pid
"""


class Pooler:
    """``size`` sessions for all connections."""

    def __init__(self, server: PostgreSQL, size: int = 20) -> None:
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        if not Path(program).exists():
            raise Refused("pgbouncer is not installed")
        self.program = program
        self.directory = Path(server.directory) / "pooler"
        self.directory.mkdir(exist_ok=True)
        self.address = "127.0.0.1"
        # It refuses to run as root, like PostgreSQL.
        self.user = "nobody" if os.geteuid() == 0 else None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.configuration = self.directory / "pgbouncer.ini"
        self.configuration.write_text(
            _SETTINGS.format(
                name=NAME,
                server=server.directory,
                port=self.port,
                size=size,
                directory=self.directory,
                user=USER,
            )
        )
        if self.user:
            shutil.chown(self.directory, self.user)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "-q", str(self.configuration)],
            user=self.user,
            extra_groups=[] if self.user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self._answers, "PgBouncer to answer", 20, 0.05)

    def crash(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1),
        ):
            return True
        return False
