"""After an outage: find out what the last commit did, of which no answer came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..lifecycle import finish, operate, run
from ..lifecycle.outcome import ClaimedJob, Outcome
from ..vendors import Vendor


def recover(
    vendor: Vendor,
    owner: run.Owner,
    held: Iterable[ClaimedJob],
    unwritten: Sequence[Outcome],
) -> tuple[list[Outcome], list[Outcome]]:
    """Give back claims that nobody here knows of, and sort the outcomes.

    Return those that were written after all, to be announced, and the rest.
    """
    alias = vendor.connection.alias
    mine = operate.claimed_by(alias, owner.id)
    jobs = [*held, *(each.job for each in unwritten)]
    unknown = dict(mine.items() - {(job.id, job.attempt) for job in jobs})
    if unknown:
        operate.give_back(vendor, owner.id, unknown)
    missing = [each for each in unwritten if mine.get(each.job.id) != each.job.attempt]
    written = finish.written_before(alias, owner.name, missing)
    return written, [each for each in unwritten if each not in written]
