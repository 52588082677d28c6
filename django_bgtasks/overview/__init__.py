"""What stands where: queues, workers and jobs, read and never written.

Every query is bounded, by an index or by a LIMIT, so that a look costs the same
whatever the backlog and the history have grown to.
"""
