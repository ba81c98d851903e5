-- One row per gate, as-of day, judged day and finding: what was unlike the weeks before. Written by expectations alone.
create table ops.anomalies
(
    gate LowCardinality(String) comment 'The gate that asked',
    as_of Date comment 'Its day: the same gate of the same day replaces its rows',
    day Date comment 'Day that is judged',
    judge LowCardinality(String) comment 'volume, share, novelty, past or shape',
    subject LowCardinality(String),
    dimension LowCardinality(String),
    category String,
    days UInt8 comment 'Length of the window that ends with the day',
    observed Float64 comment 'What there was',
    expected Float64 comment 'What the weeks before led to expect',
    low Float64 comment 'Lower end of the interval outside which nothing clean should lie',
    high Float64 comment 'Upper end',
    surprise Float64 comment 'Minus the decimal logarithm of the chance of this in clean data',
    severity LowCardinality(String) comment 'stop or warn',
    found_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by (gate, as_of)
order by (day, subject, dimension, category)
