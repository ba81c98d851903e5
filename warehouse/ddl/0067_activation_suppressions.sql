-- One row per person who must not be sent to any platform, whatever else is known: the last row counts. Written by activation alone.
create table activation.suppressions
(
    person_id String,
    because LowCardinality(String) comment 'erasure, or a word of whoever asked',
    is_lifted Bool,
    suppressed_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(suppressed_at)
order by person_id
