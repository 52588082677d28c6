"""What keeps the tables in order: functions that run once, without a loop."""
