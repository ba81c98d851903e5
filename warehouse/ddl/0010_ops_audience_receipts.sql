-- One row per push of an audience to a platform. Written by activation alone.
create table ops.audience_receipts
(
    pushed_at DateTime64(3, 'UTC') default now64(3),
    as_of Date,
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    kind LowCardinality(String) comment 'custom or lookalike',
    status LowCardinality(String) comment 'dry_run, delivered, skipped or failed',
    fitting UInt64 comment 'People in the audience',
    sendable UInt64 comment 'Of these: with consent and an identifier',
    sent UInt64 comment 'Rows the platform was given',
    received UInt64 comment 'Rows the platform says it took',
    invalid UInt64 comment 'Rows the platform says it could not read',
    detail String comment 'Why it was skipped or failed; never personal data'
)
engine = MergeTree
order by (platform, audience, pushed_at)
