-- One row per as-of day and newcomer of the week before it. Written by ml alone.
create table ml.early_churn_scores
(
    as_of Date,
    person_id String,
    churn_probability Float64 comment 'Chance of no engagement in the horizon from the person''s own moment',
    horizon_days UInt16,
    model_id String,
    scored_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, person_id)
