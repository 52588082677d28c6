"""A job's way: one step per module. Steps import leaves, never steps."""
