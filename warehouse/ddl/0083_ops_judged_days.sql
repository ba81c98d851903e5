-- One row per gate, as-of day and day whose profile was judged for it. Written by expectations alone.
create table ops.judged_days
(
    gate LowCardinality(String) comment 'The gate that asked',
    as_of Date comment 'Its day',
    day Date comment 'Day that was judged',
    events UInt64 comment 'What was counted on it: another number means that it is judged again',
    judged_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by (gate, as_of)
order by day
