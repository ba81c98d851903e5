-- One row per as-of day and person on whom a trigger fired. Written by ml alone.
create table ml.interventions
(
    as_of Date,
    trigger LowCardinality(String) comment 'Name of the trigger; ml/interventions/triggers says when it fires',
    person_id String,
    arm LowCardinality(String) comment 'written_to or held_out, by a hash of trigger and person',
    value Float64 comment 'What the trigger judged by: a chance, a health; 1 of a segment',
    decided_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, trigger, person_id)
