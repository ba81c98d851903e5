-- One row per plan, as it stands: the row with the highest version counts. Its first row commits it. Written by activation alone.
create table activation.plans
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    plan UInt64 comment 'Microseconds since 1970',
    as_of Date,
    desired UInt64 comment 'People who shall be in the set',
    additions UInt64 comment 'People to be sent',
    removals UInt64 comment 'People to be taken out',
    batches UInt32,
    state LowCardinality(String) comment 'committed, finished or superseded',
    version UInt64
)
engine = ReplacingMergeTree(version)
order by (platform, audience, plan)
