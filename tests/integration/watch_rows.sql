-- Runs of batches, two of a kind, so that the last one has to be told from the first.
insert into ops.gate_results (run_id, gate, checked_at, severity, success) values
    (toUUID('00000000-0000-4000-8000-000000000001'), 'marts', '2026-03-01 10:00:00', 'stop', false),
    (toUUID('00000000-0000-4000-8000-000000000002'), 'marts', '2026-03-01 11:00:00', 'stop', true),
    (toUUID('00000000-0000-4000-8000-000000000002'), 'marts', '2026-03-01 11:00:00', 'warn', false),
    (toUUID('00000000-0000-4000-8000-000000000003'), 'staging', '2026-03-01 10:00:00', 'stop', true),
    (toUUID('00000000-0000-4000-8000-000000000004'), 'staging', '2026-03-01 12:00:00', 'stop', true),
    (toUUID('00000000-0000-4000-8000-000000000004'), 'staging', '2026-03-01 12:00:00', 'stop', false);
insert into ops.gate_results (run_id, gate, checked_at, severity, success, parts) values
    (toUUID('00000000-0000-4000-8000-000000000005'), 'audiences', '2026-03-01 09:00:00', 'stop', false, ['value_seed']),
    (toUUID('00000000-0000-4000-8000-000000000006'), 'audiences', '2026-03-01 10:00:00', 'stop', false, ['at_risk']),
    (toUUID('00000000-0000-4000-8000-000000000006'), 'audiences', '2026-03-01 10:00:00', 'stop', false, ['at_risk']);
insert into ops.publications (published_at, gate, table_name, published_rows) values
    ('2026-03-01 10:00:00', 'marts', 'marts.fct_events', 5),
    ('2026-03-01 11:00:00', 'marts', 'marts.fct_events', 7),
    ('2026-03-01 11:00:00', 'marts', 'marts.fct_payments', 2),
    ('2026-03-01 11:00:00', 'other', 'other.things', 2);
insert into ml.models (model_id, kind, as_of, trained_at) values
    ('m1', 'churn', '2026-03-01', '2026-03-01 05:00:00');
insert into ml.churn_scores (as_of, person_id, scored_at) values
    ('2026-03-01', 'ann', '2026-03-01 05:30:00');
insert into ml.watch (kind, watch, as_of, model_id, subject, value) values
    ('churn', 'drift', '2026-02-22', 'm0', 'score', 0.9),
    ('churn', 'drift', '2026-03-01', 'm1', 'score', 0.1),
    ('churn', 'drift', '2026-03-01', 'm1', 'sessions', 0.3);
insert into ops.audience_receipts (pushed_at, audience, platform, status, sent, received) values
    ('2026-03-01 07:00:00', 'at_risk', 'meta', 'delivered', 53, 53),
    ('2026-03-02 07:00:00', 'at_risk', 'meta', 'failed', 0, 0),
    ('2026-03-03 07:00:00', 'at_risk', 'meta', 'dry_run', 0, 0);
insert into ops.dbt_runs values
    (toUUID('00000000-0000-4000-8000-000000000005'), '2026-03-01 10:00:00', '2026-03-01 10:00:30', ['marts', 'intermediate'], 40, ['fct_events'])
