WITH job AS (
    INSERT INTO limit_job (
        id, task_path, backend, queue_name, priority, args, kwargs, enqueued_at
    )
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'benchmarks.tasks.noop', 'default',
        'default', 0, '[1]', '{}', statement_timestamp()
    FROM generate_series(1, %s) n
    RETURNING id
)
INSERT INTO limit_ready (job_id, queue_name, rank, attempt, ready_at)
SELECT id, 'default', 0, 1, statement_timestamp() FROM job
