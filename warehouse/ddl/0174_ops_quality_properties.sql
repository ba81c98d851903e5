-- How late a producer is, what completeness is measured against, and how each property moved.
alter table ops.quality
add column late_p95_s Float64 comment 'From what happened to when it was known, 95 of 100 took less: seconds',
add column numbered UInt64 comment 'Numbers of devices that came, of all events of the source and tracker: beside missing',
add column properties Array(Tuple(name String, measure String, distance Float64, filled Float64, filled_before Float64)) comment 'Of the event type, whoever sent it: how far each property lies from the four weeks before (ks for numbers, js for words, empty where there was too little), and the share of events that have it'
