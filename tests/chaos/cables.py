"""Hosts of our own: network namespaces, each with a cable to ours."""

from __future__ import annotations

import os
import subprocess
from itertools import count

from .disk import Refused

_numbers = count()


def _ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise Refused("iproute2 is not installed") from None
    if done.returncode:
        raise Refused(f"No host can be made up here: {done.stderr.strip()}")


class Cable:
    """A network namespace, and the way from ``there`` to ``here``, our end of it."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.name = f"bgtasks{os.getpid()}n{number}"
        # The name of a device has at most fifteen characters.
        self.end = f"bg{os.getpid() % 10**6}n{number}"
        block = f"10.{100 + os.getpid() % 100}.{number // 64 % 256}"
        first = number % 64 * 4
        self.here, self.there = f"{block}.{first + 1}", f"{block}.{first + 2}"

    def lay(self) -> None:
        """Make the host. Raise Refused where that cannot be."""
        _ip("netns", "add", self.name)
        try:
            peer = f"{self.end}p"
            _ip("link", "add", self.end, "type", "veth", "peer", "name", peer)
            _ip("link", "set", peer, "netns", self.name)
            _ip("addr", "add", f"{self.here}/30", "dev", self.end)
            _ip("link", "set", self.end, "up")
            _ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", peer)
            _ip("-n", self.name, "link", "set", peer, "up")
        except Refused:
            self.remove()
            raise

    @property
    def through(self) -> tuple[str, ...]:
        """The command that starts others on that host."""
        return ("ip", "netns", "exec", self.name)

    def pull(self) -> None:
        """From now on no packet arrives, and nobody is told."""
        _ip("link", "set", self.end, "down")

    def plug_in(self) -> None:
        _ip("link", "set", self.end, "up")

    def remove(self) -> None:
        for arguments in (("link", "del", self.end), ("netns", "del", self.name)):
            subprocess.run(["ip", *arguments], capture_output=True)
