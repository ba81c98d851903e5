-- One row per expectation and run of a gate. Written by expectations alone.
create table ops.gate_results
(
    run_id UUID,
    gate LowCardinality(String),
    as_of Date,
    checked_at DateTime64(3, 'UTC') default now64(3),
    suite LowCardinality(String),
    expectation String,
    column_name String,
    severity LowCardinality(String) comment 'stop or warn',
    success Bool,
    checked_rows UInt64,
    unexpected_rows UInt64,
    sample_keys Array(String) comment 'Keys of rows at fault, never personal data'
)
engine = MergeTree
order by (gate, checked_at, run_id)
