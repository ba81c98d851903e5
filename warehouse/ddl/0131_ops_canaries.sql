-- One row per canary: a record that every door puts into its log each second, to see that it arrives. Written by ingestion alone.
create table ops.canaries
(
    canary_id UUID comment 'One per canary',
    door LowCardinality(String) comment 'Host and port of the ingest service that sent it',
    received_at DateTime64(3, 'UTC') comment 'When the door put it into its log',
    loaded_at DateTime64(3, 'UTC') comment 'When its block was cut from the log',
    arrived_at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'When ClickHouse took it, after the events of its block'
)
engine = MergeTree
partition by toYYYYMM(loaded_at)
order by (loaded_at, door, canary_id)
ttl toDateTime(loaded_at) + interval 3 day
settings
    non_replicated_deduplication_window = 10000
