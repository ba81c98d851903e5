-- One row per build by dbt. Written by dbt_project/macros/runs.sql alone.
create table ops.dbt_runs
(
    run_id UUID comment 'dbt''s id of the invocation',
    started_at DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC'),
    layers Array(LowCardinality(String)) comment 'Folders of the models that were built',
    nodes UInt32 comment 'Models, seeds and tests that were run',
    failed Array(String) comment 'Names of those that failed; empty when all is well'
)
engine = MergeTree
order by started_at
