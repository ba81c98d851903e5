-- One row per finished import of a file. Written by ingestion alone.
create table ops.imports
(
    import_id UUID,
    file_name String,
    file_sha256 FixedString(64),
    source LowCardinality(String),
    lines UInt64,
    accepted UInt64,
    refused UInt64,
    finished_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
order by (finished_at, import_id)
