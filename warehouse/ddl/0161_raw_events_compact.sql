-- A fresh part of raw.events lies in a few files, not in two for each column: an insert writes and fsyncs a tenth of them.
alter table raw.events
    modify setting min_bytes_for_wide_part = 134217728
