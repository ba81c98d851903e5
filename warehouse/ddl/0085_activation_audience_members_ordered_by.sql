-- What gives a member's value, so that the gate asks for a score only where it is one.
alter table activation.audience_members
add column ordered_by LowCardinality(String) default 'score'
    comment 'score, or what else orders the audience: segment, mart, cohort'
