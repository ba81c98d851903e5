-- One row per audience, as-of day and person who fits it. Written by activation alone.
create table activation.audience_members
(
    as_of Date,
    audience LowCardinality(String),
    person_id String,
    value Float64 comment 'What the audience is ordered by',
    sendable Bool,
    withheld_because LowCardinality(String) comment 'Empty, no_consent or no_identifier',
    chosen_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by (audience, as_of)
order by (audience, as_of, person_id)
