-- One row per kind, as-of day, watch, model and subject: how far models in use have moved from what they were judged on. Written by ml alone.
create table ml.watch
(
    kind LowCardinality(String) comment 'churn or lifetime_value',
    watch LowCardinality(String) comment 'drift: population stability index against the last judged day; outcome: how scores of this day turned out',
    as_of Date comment 'The day of the scores',
    model_id String comment 'What wrote them',
    subject String comment 'Of drift: a feature, or score; of outcome: a figure',
    value Float64,
    people UInt64 comment 'Of whom it was measured',
    written_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by (kind, watch, as_of)
order by (kind, watch, as_of, model_id, subject)
