-- One row per platform, audience and person who shall be there, as the last plan had it. Written by activation alone.
create table activation.desired
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    plan UInt64 comment 'Turn of the plan that wrote it; rows of any other count for nothing',
    person_id String,
    mark FixedString(16) comment 'Stands for what the vault knew of the person, without telling it',
    value Nullable(Float64) comment 'What the person is worth, for audiences with values'
)
engine = MergeTree
partition by (platform, audience)
order by (platform, audience, person_id)
