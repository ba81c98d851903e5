-- One row per plan and batch, as it stands: the row with the highest version counts. Written by activation alone.
create table activation.batches
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    plan UInt64,
    batch UInt32,
    action LowCardinality(String) comment 'remove, add or replace',
    people UInt32 comment 'People in it',
    turn UInt64 comment 'When it was sent, in microseconds since 1970; 0 before. No two batches of an audience share one',
    state LowCardinality(String) comment 'planned, sending, taken, done, partly, failed, lost or dropped',
    request_id String comment 'Of the platform, where it works on after it answered',
    received UInt64 comment 'Rows the platform says it took',
    invalid UInt64 comment 'Rows the platform says it could not read',
    reasons Map(String, UInt64) comment 'What the platform says was wrong, and how often',
    match_rate String comment 'In the platform''s own words; empty where it is silent',
    version UInt64
)
engine = ReplacingMergeTree(version)
order by (platform, audience, plan, batch)
