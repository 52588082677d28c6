"""What a job costs while the work grows: ``python -m benchmarks growth --help``."""
