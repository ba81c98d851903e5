-- What a gate judged, so that nothing built later is published on its word.
alter table ops.gate_results
add column judged_content String comment 'Fingerprint of the rows built for the gate'
