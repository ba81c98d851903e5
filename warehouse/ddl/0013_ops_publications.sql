-- One row per table and publication. Written by warehouse/publishing alone.
create table ops.publications
(
    published_at DateTime64(3, 'UTC') default now64(3),
    gate LowCardinality(String) comment 'The gate that had to be open',
    table_name String,
    published_rows UInt64
)
engine = MergeTree
order by (table_name, published_at)
