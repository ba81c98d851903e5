-- One row per finished erasure of a person: its receipt, without personal data. Written by warehouse/erasure alone.
create table ops.erasures
(
    erasure_id UUID,
    erased_at DateTime64(3, 'UTC') comment 'When the verification found nothing any more',
    tombstones Array(FixedString(64)) comment 'HMACs of the ids under the vault''s own secret: enough to refuse them, not to name them',
    kept_devices UInt32 comment 'Devices that others use too: their events without a user stay',
    rows_removed Map(String, UInt64) comment 'By table',
    rows_redacted Map(String, UInt64) comment 'By table and column: rows of others that named the person',
    audiences Array(String) comment 'Remote sets that acknowledged a removal',
    searched_columns UInt32 comment 'String columns that the verification searched',
    done_by String,
    because String
)
engine = MergeTree
order by (erased_at, erasure_id)
