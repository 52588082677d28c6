from .details import Failure, JobLink, JobLog
from .job import (
    MOST_ATTEMPTS,
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
from .rollup import Rollup
from .schedule import TIMING_FIELDS, Plan, Schedule, Tick
from .tables import attempts_of, belongings_of, table_of

__all__ = [
    "MOST_ATTEMPTS",
    "TIMING_FIELDS",
    "Attempt",
    "DeferredJob",
    "Failure",
    "FinishedJob",
    "Job",
    "JobLink",
    "JobLog",
    "JobProgress",
    "OutcomeKind",
    "Plan",
    "Process",
    "Queue",
    "ReadyJob",
    "Rollup",
    "RunningJob",
    "Schedule",
    "Tick",
    "attempts_of",
    "belongings_of",
    "table_of",
]
