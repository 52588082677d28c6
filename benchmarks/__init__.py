"""Measurements of throughput, latency and cost: ``python -m benchmarks --help``.

A *subject* is a queue that is measured (``subjects``), a *part* is one thing that is
measured of it (``parts``). Each vendor is measured in a process of its own, in a
database that is made for the run and dropped after it.
"""
