-- One row of one table, and its commit.
INSERT INTO limit_row (task, args) VALUES ('package.module.task', '[[1], {}]');
