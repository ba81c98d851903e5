-- One row per as-of day, person and reason that raises their chance of leaving. Written by ml alone.
create table ml.churn_reasons
(
    as_of Date,
    person_id String,
    place UInt8 comment 'The weightiest reason is 1',
    feature LowCardinality(String) comment 'Column of features.feat_people, or one made of them',
    value Nullable(Float64) comment 'What was measured of the person; null where nothing was',
    log_odds Float64 comment 'What the feature adds to the log-odds of leaving; 0 where a rule scored',
    words String comment 'The reason in words',
    model_id String,
    explained_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, person_id, place)
