from __future__ import annotations

import json
from dataclasses import asdict, dataclass

# Exit codes of a worker process, beside 0 for an end in order.
EXIT_RECYCLE = 80
EXIT_STUCK = 81
EXIT_GONE = 82


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """What ``runworker`` was told. Times are in seconds, memory in megabytes."""

    backend: str = "default"
    queues: tuple[str, ...] = ()
    exclude_queues: tuple[str, ...] = ()
    processes: int = 1
    threads: int = 4
    coroutines: int = 100
    burst: bool = False
    max_jobs: int | None = None
    max_memory: int | None = None
    grace: float = 30.0
    name: str = ""
    beat: bool = False
    verbosity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatConfig:
    """What ``runbeat`` was told."""

    backend: str = "default"
    burst: bool = False
    name: str = ""
    verbosity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """What a supervisor tells a worker process it starts."""

    worker: WorkerConfig
    process_id: int
    process_name: str
    board: int
    control: int
    rota: int
    number: int
    sys_path: tuple[str, ...]
    is_beat: bool = False

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> ChildConfig:
        values = json.loads(text)
        worker = values.pop("worker")
        for name in ("queues", "exclude_queues"):
            worker[name] = tuple(worker[name])
        values["sys_path"] = tuple(values["sys_path"])
        return cls(worker=WorkerConfig(**worker), **values)
