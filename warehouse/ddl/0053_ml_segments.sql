-- One row per as-of day, method, segment and person in it. Written by ml alone.
create table ml.segments
(
    as_of Date,
    method LowCardinality(String) comment 'defined, kmeans or hdbscan',
    segment LowCardinality(String) comment 'Name of a definition, or cluster_1 (the largest by kmeans), or noise',
    person_id String,
    found_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, method, segment, person_id)
