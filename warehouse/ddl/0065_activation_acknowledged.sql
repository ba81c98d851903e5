-- One row per platform, remote set, person and action: what a platform last said of it. Written by activation alone.
create table activation.acknowledged
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    person_id String,
    action LowCardinality(String) comment 'add, remove, doubt (a removal that may have happened) or refuse',
    turn UInt64 comment 'Of the batch',
    mark FixedString(16) comment 'Of an addition: what the vault knew of the person then',
    value Nullable(Float64) comment 'Of an addition: the value that was sent',
    detail LowCardinality(String) comment 'Of a refusal: the reason'
)
engine = ReplacingMergeTree(turn)
order by (platform, audience, remote_id, person_id, action)
