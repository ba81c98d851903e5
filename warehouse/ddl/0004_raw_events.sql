-- Every accepted event as it came, copies included. Written by ingestion alone.
create table raw.events
(
    event_id UUID comment 'Given by the client; copies of one event share it',
    event_name LowCardinality(String) comment 'Bare name, without its domain',
    event_version LowCardinality(String) comment 'Schema the event was judged by',
    user_id String comment 'Empty while the person is not known',
    anonymous_id String comment 'The device or browser; empty when there is none',
    session_id String comment 'The session the client claims; empty when none',
    occurred_at DateTime64(3, 'UTC') comment 'The client''s claim, uncorrected',
    sent_at Nullable(DateTime64(3, 'UTC')) comment 'When the client posted the batch',
    received_at DateTime64(3, 'UTC') comment 'When the door took it',
    loaded_at DateTime64(3, 'UTC') comment 'When its block was cut from the log',
    known_at DateTime64(3, 'UTC') comment 'What as-of questions are judged by',
    clock_offset_ms Int64 comment 'Add to occurred_at for the corrected time',
    clock_offset_source LowCardinality(String) comment 'none, or sent_at',
    sequence Nullable(UInt64) comment 'Order within a device, at capture',
    source LowCardinality(String) comment 'Which write key or import brought it',
    imported Bool comment 'From a trusted file instead of a live sender',
    tags Array(LowCardinality(String)) comment 'Violations noted on acceptance',
    properties String comment 'JSON object; direct identifiers replaced by tokens' codec(ZSTD(3)),
    context String comment 'JSON object; IP address truncated' codec(ZSTD(3)),
    user_properties String comment 'JSON object; direct identifiers replaced by tokens' codec(ZSTD(3)),
    content_hash UInt64 comment 'Tells a natural duplicate from an id conflict'
)
engine = MergeTree
partition by toYYYYMM(loaded_at)
order by (loaded_at, event_name, event_id)
settings
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
