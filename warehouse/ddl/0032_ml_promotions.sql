-- One row per decision of a person that another model writes a day's scores. Written by ml alone.
create table ml.promotions
(
    kind LowCardinality(String) comment 'churn or lifetime_value',
    as_of Date comment 'The day whose scores it writes',
    model_id String comment 'Of this day or an earlier one',
    because String comment 'The reason given',
    decided_at DateTime64(6, 'UTC') default now64(6)
)
engine = MergeTree
order by (kind, as_of, decided_at)
