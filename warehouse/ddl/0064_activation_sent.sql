-- One row per platform, remote set, person and identity ever given to it, written before the call. Written by activation alone.
create table activation.sent
(
    platform LowCardinality(String),
    audience LowCardinality(String),
    remote_id String,
    person_id String,
    identity FixedString(16) comment 'HMAC of all that was sent of the person at once',
    naming Array(FixedString(16)) comment 'HMACs of those parts of it that a platform finds people by',
    mark FixedString(16) comment 'Of what the vault knew then',
    sealed String comment 'What was sent, encrypted under the person''s key',
    turn UInt64 comment 'Of the batch that sent it last'
)
engine = ReplacingMergeTree(turn)
order by (platform, audience, remote_id, person_id, identity)
