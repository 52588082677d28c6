from __future__ import annotations

import pytest

from benchmarks.bar import RULES, Rule
from benchmarks.figures import Summary
from benchmarks.parts import PARTS
from benchmarks.peers.catalogue import PEERS
from benchmarks.subjects import SUBJECTS


def found(**values):
    """Figures by "subject__name", on PostgreSQL."""
    return {
        ("postgresql", *key.split("__")): Summary(key, "us", value, value, value)
        for key, value in values.items()
    }


@pytest.mark.parametrize(
    ("ours", "at_most", "held"),
    [(20, True, True), (21, True, False), (20, False, True), (19, False, False)],
)
def test_a_bound_is_a_multiple_of_the_other_figure(ours, at_most, held):
    rule = Rule("work", "call", 2.0, at_most, ("other", "call"), "the other")
    judgement = rule.judge(found(bgtasks__call=ours, other__call=10))
    assert judgement.held is held
    assert judgement.ratio == ours / 10


def test_a_bound_without_another_is_a_number():
    rule = Rule("work", "call", 5)
    assert rule.judge(found(bgtasks__call=5)).held is True
    assert rule.judge(found(bgtasks__call=6)).held is False


def test_what_is_taken_off_does_not_count():
    rule = Rule("work", "worker", 70, less="shell")
    judgement = rule.judge(found(bgtasks__worker=100, bgtasks__shell=40))
    assert (judgement.value, judgement.held) == (60, True)


@pytest.mark.parametrize("there", ["bgtasks__call", "other__call"])
def test_what_was_not_measured_is_neither_held_nor_missed(there):
    rule = Rule("work", "call", 2.0, True, ("other", "call"), "the other")
    assert rule.judge(found(**{there: 1})).held is None


def test_another_vendor_is_not_mistaken():
    rule = Rule("work", "call", 5, vendor="sqlite")
    assert rule.judge(found(bgtasks__call=1)).held is None


def test_rules_are_against_subjects_there_are():
    against = {rule.against[0] for rule in RULES if rule.against}
    assert against <= set(SUBJECTS)


def test_each_queue_can_be_drained_and_names_parts_there_are():
    for peer in PEERS.values():
        assert {"drain-2x1", "drain-1x1", "latency"} <= peer.workers.keys()
        assert peer.workers.keys() | peer.parts <= PARTS.keys()
        assert peer.varying.keys() <= peer.workers.keys()
