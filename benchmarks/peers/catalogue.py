"""Which other queues are measured, and how each is run."""

from __future__ import annotations

from . import on_brokers, on_databases
from .peer import Peer

PEERS = {peer.name: peer for peer in (*on_databases.PEERS, *on_brokers.PEERS)}

__all__ = ["PEERS", "Peer"]
