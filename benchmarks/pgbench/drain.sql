-- What a worker sends for each batch: finish the last one and claim the next.
WITH gone AS (
    DELETE FROM limit_running r
    WHERE r.job_id = ANY(:ids::uuid[]) AND r.attempt = 1 AND r.process_id = 1
    RETURNING r.job_id
), finished AS (
    INSERT INTO limit_finished (
        job_id, outcome, attempt, worker, started_at, finished_at, return_value
    )
    SELECT v.key, 'S', 1, 'worker-1', statement_timestamp(),
        statement_timestamp(), '1'
    FROM unnest(:ids::uuid[]) AS v(key)
    WHERE v.key IN (SELECT job_id FROM gone)
), picked AS MATERIALIZED (
    SELECT s.ctid AS place FROM limit_ready s
    WHERE s.queue_name = 'default' AND s.rank = 0
        AND s.ready_at > :floor::timestamptz
    ORDER BY s.ready_at, s.job_id LIMIT 100 FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM limit_ready WHERE ctid = ANY(ARRAY(SELECT place FROM picked))
    RETURNING job_id, attempt, queue_name, rank, ready_at
), claimed AS (
    INSERT INTO limit_running (
        job_id, process_id, attempt, claimed_at, cancel_requested
    )
    SELECT job_id, 1, attempt, statement_timestamp(), false FROM taken
)
SELECT
    coalesce(array_agg(t.job_id), '{}')::text AS ids,
    coalesce(max(t.ready_at) - interval '2 s', :floor::timestamptz)::text AS floor,
    string_agg(b.task_path || b.args || b.kwargs || b.enqueued_at, ' ') AS bodies
FROM taken t LEFT JOIN limit_job b ON b.id = t.job_id
\gset
