-- One row per platform, kind and conversion told to it, as it stands: the row with the highest version counts. Written by activation alone.
create table activation.conversions
(
    platform LowCardinality(String),
    kind LowCardinality(String) comment 'purchase, or won_back: a purchase by somebody who had been at risk',
    payment_id String comment 'By which a platform counts it once',
    event_id String comment 'Of the payment',
    person_id String,
    occurred_at DateTime64(3, 'UTC'),
    amount_minor Int64 comment 'As told last, net of what was known to be refunded',
    currency LowCardinality(String),
    state LowCardinality(String) comment 'sending, taken, sent, refused, failed or retracted',
    request_id String comment 'Of the platform, where it works on after it answered',
    detail LowCardinality(String) comment 'Why it was refused or failed; never personal data',
    version UInt64 comment 'Microseconds since 1970'
)
engine = ReplacingMergeTree(version)
order by (platform, kind, payment_id)
