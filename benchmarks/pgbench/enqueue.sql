-- What a caller sends for each job.
WITH id AS MATERIALIZED (
    SELECT lpad(to_hex(nextval('limit_id')), 32, '0')::uuid AS key
), job AS (
    INSERT INTO limit_job (
        id, task_path, backend, queue_name, priority, args, kwargs, metadata,
        run_after, expires_at, enqueued_at
    )
    SELECT key, 'benchmarks.tasks.noop', 'default', 'default', 0, '[1]', '{}', NULL,
        NULL, NULL, statement_timestamp()
    FROM id
)
INSERT INTO limit_ready (job_id, queue_name, rank, attempt, ready_at)
SELECT key, 'default', 0, 1, statement_timestamp() FROM id
RETURNING statement_timestamp();
