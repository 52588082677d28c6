"""Other queues, each with an interpreter and packages of its own.

``catalogue`` says which there are and how each is run; the module named after one is
imported by its own interpreter only, by ``agent`` and by its workers. Those need
nothing of ours but modules that import what Python itself has.
"""
