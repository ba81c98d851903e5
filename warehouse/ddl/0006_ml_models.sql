-- One row per trained model, the rejected ones too. Written by ml alone.
create table ml.models
(
    model_id String,
    kind LowCardinality(String) comment 'churn or lifetime_value',
    estimator LowCardinality(String) comment 'lightgbm, logistic_regression, recency_rule, bg_nbd, rate_rule',
    as_of Date comment 'The model saw only what was known before this day began',
    horizon_days UInt16,
    is_baseline Bool,
    is_chosen Bool comment 'Whether this one writes the scores',
    judged_from Date comment 'First day of the later window it was judged on',
    metrics Map(String, Float64) comment 'Figures on that window',
    trained_rows UInt64,
    refused_because String comment 'Why nothing was trained; empty when it was',
    artifact String comment 'Folder, below the registry',
    trained_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by (kind, as_of)
order by (kind, as_of, model_id)
