-- What an erasure under way looks for; its partition is dropped at the end. Written by warehouse/erasure alone.
create table ops.erasing
(
    erasure_id UUID,
    kind LowCardinality(String) comment 'own_id, event, refusal, word or pattern',
    told String comment 'An id, or the pattern that finds all ids in a text',
    own_key UInt64 materialized sipHash64(told)
)
engine = MergeTree
partition by erasure_id
order by (kind, told)
settings old_parts_lifetime = 1
