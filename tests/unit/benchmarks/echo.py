"""A queue that an agent is asked about in the tests."""

from __future__ import annotations

import sys


class Agent:
    def repeat(self, *args, **kwargs):
        sys.stdout.write("A library speaks.\n")
        return [args, kwargs]

    def fail(self):
        raise ValueError("as was asked")
