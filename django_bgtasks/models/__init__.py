from .job import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    JobProgress,
    OutcomeKind,
    ReadyJob,
    RunningJob,
)
from .process import Process
from .queue import Queue
from .tables import table_of

__all__ = [
    "Attempt",
    "DeferredJob",
    "FinishedJob",
    "Job",
    "JobProgress",
    "OutcomeKind",
    "Process",
    "Queue",
    "ReadyJob",
    "RunningJob",
    "table_of",
]
