-- One row per plan, batch and person: what is to be done, written before the first call. Written by activation alone.
create table activation.outbox
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    plan UInt64 comment 'Turn of the plan',
    batch UInt32 comment 'From 1, in the order of sending: removals first',
    action LowCardinality(String) comment 'remove or add',
    person_id String,
    mark FixedString(16) comment 'As planned; of a removal empty',
    value Nullable(Float64),
    because LowCardinality(String) comment 'Why, such as entered, left, withdrew, changed, aged, unsure, shares',
    is_early Bool comment 'A removal while an addition of the person is still open: it is made again',
    is_again Bool comment 'The platform has done this only in part before'
)
engine = MergeTree
order by (platform, audience, plan, batch, person_id)
