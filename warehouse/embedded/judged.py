"""Every table function, engine and system table of the engine, judged one by one.

A test holds these lists against the engine's own, so what an upgrade brings is not
served unseen. What is refused stands under its reason, which the client is told.
"""


def _by_name(reasons: dict[str, str]) -> dict[str, str]:
    return {name: why for why, names in reasons.items() for name in names.split()}


REFUSED_FUNCTIONS = _by_name(
    {
        "reads and writes files of the server": """
            deltalakelocal disk file filecluster filesystem iceberglocal
            iceberglocalcluster paimonlocal sqlite
        """,
        "calls other servers": """
            arrowstream azureblobstorage azureblobstoragecluster bigquery cluster
            clusterallreplicas cosn deltalake deltalakeazure deltalakeazurecluster
            deltalakecluster deltalakes3 deltalakes3cluster gcs hdfs hdfscluster hudi
            hudicluster iceberg icebergazure icebergazurecluster icebergcluster
            iceberghdfs iceberghdfscluster icebergs3 icebergs3cluster jdbc mongodb mysql
            odbc oss paimon paimonazure paimonazurecluster paimoncluster paimonhdfs
            paimonhdfscluster paimons3 paimons3cluster postgresql prometheusquery
            prometheusqueryrange redis remote remotesecure s3 s3cluster url urlcluster
            ytsaurus
        """,
        "sends data to a language model": """
            aiclassify aiembed aiextract aifilter aigenerate airedact aisimilarity
            aitranslate
        """,
        "runs programs, or SQL that nobody has looked at": """
            catboostevaluate eval executable fuzzquery kql
        """,
        "reads the objects of the server's process": "python",
    }
)
"""Functions by their names in lower case, and why each is refused."""

ALLOWED_FUNCTIONS = frozenset(
    """
    dictionary format fuzzjson generate_series generaterandom generateseries input loop
    merge mergetreeanalyzeindexes mergetreeanalyzeindexesuuid mergetreecodecblockcounts
    mergetreeindex mergetreeprojection mergetreetextindex null numbers numbers_mt primes
    sqlstandardvalues timeseriesdata timeseriesmetricfamilies timeseriesmetrics
    timeseriessamples timeseriesselector timeseriestags values view viewexplain
    viewifpermitted zeros zeros_mt
    """.split()  # noqa: SIM905 - a table reads better
)
"""Table functions that read what is in the database, or make their rows up."""

REFUSED_ENGINES = _by_name(
    {
        "it reads and writes files of the server": """
            backup deltalakelocal embeddedrocksdb file filelog filesystem iceberglocal
            overlay paimonlocal sqlite
        """,
        "it calls other servers": """
            arrowstream azureblobstorage azurequeue bigquery cosn datalakecatalog
            deltalake deltalakeazure deltalakes3 distributed gcs hdfs hudi iceberg
            icebergazure iceberghdfs icebergs3 jdbc keepermap materializedpostgresql
            mongodb mysql nats odbc oss paimon paimonazure paimonhdfs paimons3
            postgresql rabbitmq redis remote remotesecure replicated s3 s3queue url
            ytsaurus
        """,
        "a table of it leaves a data directory that no longer opens": "kafka",
        "it runs programs or queries of its own": """
            executable executablepool queryrunner
        """,
        "it reads the objects of the server's process": "python",
    }
)
"""Engines of tables and databases, in lower case, and why each is refused."""

ALLOWED_ENGINES = frozenset(
    """
    alias atomic buffer dictionary fuzzjson fuzzquery generaterandom join log loop
    materializedview memory merge null ordinary set stripelog timeseries tinylog view

    """.split()  # noqa: SIM905 - a table reads better
)
"""Engines that keep to the database; those of the MergeTree family are so too."""

PRIVATE_SYSTEM_TABLES = frozenset(
    """
    asynchronous_insert_log asynchronous_inserts asynchronous_loader
    azure_queue_metadata azure_queue_metadata_cache azure_queue_settings
    background_schedule_pool backup_log backups blob_storage_log certificates clusters
    crash_log detached_tables distributed_ddl_queue distribution_queue dns_cache
    dropped_tables dropped_tables_parts error_log errors fail_points filesystem_cache
    filesystem_cache_settings handlers hypothetical_indexes hypothetical_projections
    iceberg_files iceberg_history jemalloc_profile_text jemalloc_sampled_allocations
    kafka_consumers macros masking_policies named_collections opentelemetry_span_log
    part_log processes processors_profile_log query_cache query_condition_cache
    query_log query_log_0 query_log_1 query_log_2 query_metric_log query_thread_log
    query_views_log remote_data_paths rocksdb row_policies s3_queue_metadata
    s3_queue_settings s3queue_metadata_cache scheduler schema_inference_cache
    session_log session_query_ids stack_trace statements text_log trace_log
    user_defined_functions user_processes user_query_log users view_refreshes warnings
    workloads
    """.split()  # noqa: SIM905 - a table reads better
)
"""Tables of `system` that tell of others' work; empty for who is not free."""

OPEN_SYSTEM_TABLES = frozenset(
    """
    aggregate_function_combinators build_options codecs collations columns completions
    constraints contributors current_roles dashboards data_skipping_index_types
    data_skipping_indices data_type_families database_engines database_replicas
    databases detached_parts dictionaries dictionary_layouts dictionary_sources
    dimensional_metrics disk_types disks documentation enabled_roles events formats
    functions grants graphite_retentions histogram_metrics jemalloc_arena_bins
    jemalloc_bins jemalloc_stats keywords licenses merge_tree_settings merges metrics
    moves mutations numbers numbers_mt one part_moves_between_shards parts parts_columns
    primes privileges projection_parts projection_parts_columns projections quota_limits
    quota_usage quotas quotas_usage replicas replicated_fetches
    replicated_merge_tree_settings replication_queue resources role_grants roles
    server_settings settings settings_changes settings_profile_elements
    settings_profiles storage_policies symbols table_engines table_functions tables
    time_zones tokenizers unicode user_directories zeros zeros_mt
    """.split()  # noqa: SIM905 - a table reads better
)
"""Those that tell of the engine, or show only what the engine's grants let be seen."""
