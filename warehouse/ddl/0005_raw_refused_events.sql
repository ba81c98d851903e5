-- Every refused event with all objections. Written by ingestion alone.
create table raw.refused_events
(
    refusal_id UUID comment 'One per refusal',
    event_id String comment 'As the sender wrote it; empty when there was none',
    event_name String comment 'As the sender wrote it',
    event_version String comment 'Schema version the event was tried against',
    reason LowCardinality(String) comment 'The first objection''s reason',
    reasons Array(LowCardinality(String)) comment 'The reasons of all objections',
    objections Array(String) comment 'What was wrong, never with a value',
    recoverable Bool comment 'Whether a mended schema can admit it',
    source LowCardinality(String) comment 'Which write key or import brought it',
    imported Bool comment 'From a trusted file instead of a live sender',
    received_at DateTime64(3, 'UTC') comment 'When the door turned it away',
    loaded_at DateTime64(3, 'UTC') comment 'When its block was cut from the log',
    expires_at DateTime comment 'When the sealed bytes go',
    sealed_bytes String comment 'The original bytes, encrypted by the vault'
        ttl expires_at
)
engine = MergeTree
partition by toYYYYMM(loaded_at)
order by (loaded_at, reason, refusal_id)
settings
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
