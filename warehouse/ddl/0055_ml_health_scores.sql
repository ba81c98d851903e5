-- One row per person and as-of day. Written by ml alone.
create table ml.health_scores
(
    as_of Date,
    person_id String,
    health Float64 comment 'From 0 to 100: the sum of the parts',
    parts Map(String, Float64) comment 'Points by part; ml/health/weights.yml says of what',
    scored_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, person_id)
