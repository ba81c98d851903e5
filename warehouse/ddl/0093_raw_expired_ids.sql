-- One row per event whose rows were let go, so that a copy that comes later is known for what it is. Written by warehouse/retention alone.
create table raw.expired_ids
(
    event_id UUID comment 'Of the event; nothing else of it is kept',
    expired_at DateTime64(3, 'UTC') comment 'When its rows were let go'
)
engine = ReplacingMergeTree
order by event_id
