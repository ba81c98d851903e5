-- One row per seed audience, as-of day and person outside the seed. Written by ml alone.
create table ml.lookalike_scores
(
    as_of Date,
    seed LowCardinality(String) comment 'Audience of activation.audience_members that people are compared with',
    person_id String,
    score Float64 comment 'How alike; higher is more. Its scale is that of the method',
    method LowCardinality(String) comment 'cosine, jaccard or positive_unlabelled',
    scored_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by (seed, as_of)
order by (seed, as_of, person_id)
