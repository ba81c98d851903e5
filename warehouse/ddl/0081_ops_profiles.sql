-- One row per day of arrival, subject, dimension and category: what came that day, counted. Written by expectations alone.
create table ops.profiles
(
    day Date comment 'UTC day on which it became known',
    subject LowCardinality(String) comment 'What is counted: all events, one event type, copies, refusals, payments',
    dimension LowCardinality(String) comment 'By what it is told apart, such as source, hour, a property, or a segment',
    category String comment 'One value of it; never personal data, and none that fewer than three people share',
    events UInt64,
    people UInt64 comment 'People behind them; where people do not count, the events'
)
engine = MergeTree
partition by day
order by (subject, dimension, category)
