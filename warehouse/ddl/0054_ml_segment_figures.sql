-- One row per as-of day, method and figure that says how sound its segments are. Written by ml alone.
create table ml.segment_figures
(
    as_of Date,
    method LowCardinality(String) comment 'kmeans or hdbscan',
    figure LowCardinality(String) comment 'k, stability and silhouette by k, effect and p by measure, clusters, noise share',
    value Float64,
    found_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
partition by as_of
order by (as_of, method, figure)
