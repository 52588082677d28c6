-- The tables of the package once more, so that nothing else is in them.
DROP TABLE IF EXISTS limit_job, limit_ready, limit_running, limit_finished;
CREATE TABLE limit_job (LIKE django_bgtasks_job INCLUDING ALL);
CREATE TABLE limit_ready (LIKE django_bgtasks_readyjob INCLUDING ALL);
CREATE TABLE limit_running (LIKE django_bgtasks_runningjob INCLUDING ALL);
CREATE TABLE limit_finished (LIKE django_bgtasks_finishedjob INCLUDING ALL);
CREATE SEQUENCE IF NOT EXISTS limit_id CACHE 1000;
