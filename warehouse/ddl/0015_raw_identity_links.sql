-- One row per decision that an id is, or is no longer, one person's. Written by
-- `questlog identity` alone.
create table raw.identity_links
(
    id String comment 'user_id, or anon: and an anonymous_id, that is also the person.',
    person_id String comment 'The person that the id is.',
    linked Bool comment 'Whether they are one person from now on, or not any more.',
    known_at DateTime64(3, 'UTC') comment 'When this was decided.',
    decided_by String default '' comment 'Who decided it.',
    because String default '' comment 'Why.'
)
engine = MergeTree
order by (id, known_at)
