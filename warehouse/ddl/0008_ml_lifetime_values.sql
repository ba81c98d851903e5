-- One row per person and as-of day. Written by ml alone.
create table ml.lifetime_values
(
    as_of Date,
    person_id String,
    probability_alive Float64,
    expected_purchases Float64 comment 'In the horizon',
    expected_value_minor Float64 comment 'In the horizon, minor units of the currency',
    currency LowCardinality(String),
    horizon_days UInt16,
    model_id String,
    scored_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, person_id)
