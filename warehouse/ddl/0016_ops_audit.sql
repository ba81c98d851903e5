-- One row per act of a person that changes what the warehouse says of others. Written
-- by warehouse/audit alone.
create table ops.audit
(
    audited_at DateTime64(3, 'UTC') comment 'When it was done.',
    action LowCardinality(String) comment 'What was done, such as identity.unlink.',
    subject String comment 'On what: an id, days, a key; no direct identifier.',
    detail String comment 'The particulars as JSON; no direct identifier.',
    done_by String comment 'Who did it: a user of the machine, or as given.',
    because String comment 'Why.'
)
engine = MergeTree
order by (action, audited_at)
