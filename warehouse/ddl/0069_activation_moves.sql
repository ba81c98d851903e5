-- One row per platform, remote set, person and acknowledged entry or exit; rows are only added, so that repeated stays are kept. Written by activation alone.
create table activation.moves
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    person_id String,
    action LowCardinality(String) comment 'add or remove; an addition of somebody who is in already is no entry',
    turn UInt64 comment 'Of the batch; of a set that was emptied or is gone, when that was noted',
    because LowCardinality(String) comment 'As planned, such as entered, left or withdrew; emptied or gone of a whole set'
)
engine = MergeTree
order by (platform, audience, remote_id, person_id, turn)
