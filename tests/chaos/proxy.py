"""A network of ours: TCP in front of a server's socket, which can be harmed."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Pass bytes between a ``port`` of ours and a Unix socket, in a ``mode``:

    ``through`` at once; ``stalled`` not until the mode changes; ``slow`` after a
    while; ``trickle`` byte by byte; ``refused`` to nobody who is new.
    """

    def __init__(
        self, target: str, chance: random.Random, address: str = "127.0.0.1"
    ) -> None:
        self.target, self.address = target, address
        self.mode = "through"
        # How often a client has said something that did not come through.
        self.held = 0
        self.delay = 0.02
        self._chance = chance
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._deaf: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((address, 0), backlog=200)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def cut(self, share: float = 1.0) -> int:
        """Reset that share of the connections, in both directions."""
        with self._lock:
            pairs = [each for each in self._pairs if self._chance.random() < share]
        for pair in pairs:
            self._drop(pair)
        return len(pairs)

    def deafen(self, share: float = 1.0) -> int:
        """Have that share of the connections hear nothing any more, nor of an end.

        The server's side is closed, as it would be when it finds its peer gone.
        """
        with self._lock:
            pairs = [each for each in self._pairs if self._chance.random() < share]
            self._deaf.update(pairs)
        for _, server in pairs:
            with suppress(OSError):
                # It wakes who reads there; the descriptor alone would stay open.
                server.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def bury_deaf(self) -> int:
        """End what was deafened, as keepalives do in the end."""
        with self._lock:
            pairs = list(self._deaf)
        for pair in pairs:
            self._drop(pair)
        return len(pairs)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refused":
                self._reset(client)
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                self._reset(client)
                server.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                arguments = (pair, source, sink)
                threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _pass(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.held += self.mode == "stalled" and source is pair[0]
                while self.mode == "stalled" and pair not in self._deaf:
                    time.sleep(0.01)
                if pair in self._deaf:
                    continue
                self._send(sink, data)
        if pair not in self._deaf:
            self._drop(pair)

    def _send(self, sink: socket.socket, data: bytes) -> None:
        if self.mode == "slow":
            time.sleep(self._chance.uniform(0, 2 * self.delay))
        if self.mode == "trickle":
            for byte in data[:400]:
                sink.sendall(bytes([byte]))
            data = data[400:]
        sink.sendall(data)

    def _drop(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
            self._deaf.discard(pair)
        for end in pair:
            self._reset(end)

    def _reset(self, end: socket.socket) -> None:
        """Close so that the other side gets an error, not an end."""
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            end.close()


class Network:
    """A proxy for each host, so that one can be cut off while the others go on."""

    def __init__(self, target: str, seed: int) -> None:
        self._target = target
        self._chance = random.Random(seed)
        self._hosts: list[Proxy] = []

    def connect(self, address: str = "127.0.0.1") -> Proxy:
        """Return the way of a new host, which finds it at this address."""
        self._hosts.append(Proxy(self._target, self._chance, address))
        return self._hosts[-1]

    def set_mode(self, mode: str) -> None:
        for host in self._hosts:
            host.mode = mode

    def cut(self, share: float) -> int:
        return sum(host.cut(share) for host in self._hosts)

    def deafen(self, share: float) -> int:
        return sum(host.deafen(share) for host in self._hosts)

    def bury_deaf(self) -> int:
        return sum(host.bury_deaf() for host in self._hosts)

    def close(self) -> None:
        for host in self._hosts:
            host.close()
