"""When and how many: the supervisor, its workers and their pools. No SQL."""
