-- Columns that say how far a value may be off.
alter table ml.lifetime_values
    add column standard_error_minor Nullable(Float64) comment 'Of the expected value, as the parameters of the model are; null where it has none' after expected_value_minor,
    add column low_minor Float64 comment 'Lowest of the 90 % range of what is spent, learned from backtests' after standard_error_minor,
    add column high_minor Float64 comment 'Highest of that range' after low_minor
