-- The two sums that a value is made of; they add up to it.
alter table ml.lifetime_values
    add column subscription_value_minor Nullable(Float64) comment 'What of the expected value is for subscriptions; null before these were told apart' after expected_value_minor,
    add column single_value_minor Nullable(Float64) comment 'The rest: for single things' after subscription_value_minor
