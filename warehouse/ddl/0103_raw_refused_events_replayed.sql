-- When a refused event was let in after all, by `questlog refused replay`; its bytes are gone then.
alter table raw.refused_events
    add column replayed_at Nullable(DateTime64(3, 'UTC')) comment 'When it was let in after all'
