from __future__ import annotations

import sys
from contextlib import closing

import pytest

from benchmarks.peers.client import Agent


@pytest.fixture
def agent():
    with closing(Agent(sys.executable, f"{__package__}.echo", {})) as agent:
        yield agent


def test_an_answer_is_told_from_what_libraries_print(agent):
    assert agent.call("repeat", 1, "two", three=[4]) == [[1, "two"], {"three": [4]}]
    assert agent.call("repeat") == [[], {}]


def test_an_error_comes_with_its_traceback_and_ends_nothing(agent):
    with pytest.raises(RuntimeError, match="ValueError: as was asked"):
        agent.call("fail")
    assert agent.call("repeat") == [[], {}]


def test_an_agent_that_cannot_start_is_told():
    with (
        closing(Agent(sys.executable, "no_such_module", {})) as agent,
        pytest.raises(RuntimeError, match="The agent ended"),
    ):
        agent.call("repeat")
