-- What a push changed, beside what it sent.
alter table ops.audience_receipts
    add column removed UInt64 comment 'People taken out' after sendable,
    add column held UInt64 comment 'People who are there as far as the platform has acknowledged' after removed,
    add column waiting UInt64 comment 'People whose change waits for the platform to carry out an earlier one' after held,
    add column match_rate String comment 'In the platform''s own words; empty where it is silent' after invalid
