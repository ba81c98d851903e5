-- One row per audience and as-of day for which its members were chosen, as that last came out: that nobody fits is an outcome too. Written by activation alone.
create table activation.choices
(
    audience LowCardinality(String),
    as_of Date,
    fitting UInt64 comment 'People who fit, sendable or not',
    skipped_because String comment 'Why nobody could be chosen, such as a model that could not be trained; empty when it was done',
    chosen_at DateTime64(6, 'UTC') default now64(6)
)
engine = ReplacingMergeTree(chosen_at)
order by (audience, as_of)
