-- One row per publication of the marts that brought events of live senders: how long these took. Written by warehouse/latency alone.
create table ops.latencies
(
    published_at DateTime64(3, 'UTC') comment 'When readers could see these events',
    newest_loaded_at DateTime64(3, 'UTC') comment 'The last load that was published',
    events UInt64 comment 'New events of live senders, copies included',
    occurrence_p50_s Float64 comment 'From when they happened, clocks corrected',
    occurrence_p95_s Float64,
    receipt_p50_s Float64 comment 'From the door on',
    receipt_p95_s Float64,
    receipt_most_s Float64 comment 'Of the one that waited longest'
)
engine = MergeTree
order by published_at
