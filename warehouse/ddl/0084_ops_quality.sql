-- One row per as-of day, event type, source and tracker: how well a producer keeps the taxonomy. Written by expectations alone.
create table ops.quality
(
    as_of Date comment 'The days before it are told of',
    days UInt16 comment 'How many days',
    event_name LowCardinality(String) comment 'A planned event, or unplanned',
    source LowCardinality(String) comment 'Which write key or import brought it',
    tracker LowCardinality(String) comment 'Library and version that sent it; empty where it does not say',
    events UInt64 comment 'Accepted, each once',
    refused UInt64 comment 'Turned away at the door; of these no tracker is known',
    violations UInt64 comment 'Accepted with a tag',
    late UInt64 comment 'Known over an hour after they happened',
    copies UInt64 comment 'Arrivals beyond the first',
    missing UInt64 comment 'Numbers of devices that never came, of all events of the source and tracker',
    drift Float64 comment 'The largest distance of a property from the four weeks before: 0 alike, 1 nothing in common',
    drifted_property String comment 'That property',
    first_seen Array(String) comment 'Properties that the four weeks before did not have',
    gone_missing Array(String) comment 'Properties that they had, and no more',
    reported_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (event_name, source, tracker)
