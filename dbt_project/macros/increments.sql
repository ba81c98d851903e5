{#
  What is built anew and what is replaced.

  A layer ends with a model of one row that says under which meaning it was built:
  `stg_build`, `int_build`. While that row says what this run would say, the models of
  the layer are incremental: each forgets the rows that a run replaces (`forget`) and
  adds them again. Else the layer is built whole. The row is written last, so a run that
  was killed is simply run again.
#}

{# Whether this run builds the layer of the present model whole. #}
{% macro builds_whole() -%}
    {%- if not execute or model.resource_type == 'unit_test' or flags.FULL_REFRESH -%}
        {{ return(true) }}
    {%- endif -%}
    {#- seeds are loaded with the layer that is built first -#}
    {%- set is_staging = model.resource_type == 'seed' or model.fqn[1] == 'staging' -%}
    {%- set layer = 'staging' if is_staging else 'marts' -%}
    {#- decided once a run, of which `graph` is the only memory: the row that says so
        is replaced before the last tests have asked -#}
    {%- set decided = graph.setdefault('questlog_builds_whole', {}) -%}
    {%- if layer not in decided -%}
        {%- do decided.update({layer: layer_differs(layer)}) -%}
    {%- endif -%}
    {{ return(decided[layer]) }}
{%- endmacro %}

{# Whether a layer was built under another meaning than this run's, or never. #}
{% macro layer_differs(layer) -%}
    {%- if layer == 'staging' -%}
        {%- set built = ['staging', 'stg_build'] -%}
        {%- set same = "meaning = '" ~ meaning(['staging']) ~ "'" -%}
    {%- else -%}
        {%- set built = ['intermediate', 'int_build'] -%}
        {%- set same -%}
            meaning = '{{ meaning(['staging', 'intermediate', 'marts']) }}'
            and staged_by in (select built_by from staging.stg_build)
        {%- endset -%}
    {%- endif -%}
    {%- if adapter.get_relation(none, built[0], built[1]) is none -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set found -%}
        select count() from {{ built | join('.') }} where {{ same }}
    {%- endset -%}
    {{ return(run_query(found).rows[0][0] | int == 0) }}
{%- endmacro %}

{#
  Before a run: the row of each layer of which it builds anything whole. A whole build
  that is killed leaves tables of two builds, of which no increment could know what is
  missing: with `--full-refresh`, and where the models go back to an earlier release.
#}
{% macro take_back_layers_built_whole() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed'] -%}
        {%- set layers = [] -%}
        {%- for node in graph.nodes.values() if node.unique_id in selected_resources -%}
            {%- if node.resource_type == 'seed' -%}
                {%- do layers.append('staging') -%}
            {%- elif node.resource_type == 'model' -%}
                {%- do layers.append(node.fqn[1]) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if 'staging' in layers -%}
            {%- do take_back('staging', 'staging', 'stg_build') -%}
        {%- endif -%}
        {%- if 'intermediate' in layers or 'marts' in layers -%}
            {%- do take_back('marts', 'intermediate', 'int_build') -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The row of a layer leaves its table if this run builds the layer whole. #}
{% macro take_back(layer, database, table) -%}
    {%- if adapter.get_relation(none, database, table) is not none
        and (flags.FULL_REFRESH or layer_differs(layer)) -%}
        {%- do run_query('truncate table ' ~ database ~ '.' ~ table) -%}
    {%- endif -%}
{%- endmacro %}

{# dbt's question for every incremental model, answered for a layer at a time. #}
{% macro should_full_refresh() -%}
    {%- if config.get('full_refresh') is not none -%}
        {{ return(config.get('full_refresh')) }}
    {%- elif model.resource_type == 'model'
        and model.fqn[1] in ['staging', 'intermediate', 'marts'] -%}
        {{ return(builds_whole()) }}
    {%- else -%}
        {{ return(flags.FULL_REFRESH) }}
    {%- endif -%}
{%- endmacro %}

{#
  A fingerprint of what decides the tables of some layers: models with their contracts,
  seeds, settings.
#}
{% macro meaning(layers) -%}
    {%- set parts = [
        reporting_timezone(),
        reporting_currency(),
        analytics_consent_default() | trim,
        var('session_silence_ms') | string,
        var('session_cap_ms') | string,
        var('clock_tolerance_ms') | string,
        var('clock_earlier_batches') | string,
        var('activation_steps') | join(' '),
        var('funnel_window_ms') | string,
        var('models_meaning') | string
    ] -%}
    {%- for node in graph.nodes.values() | sort(attribute='unique_id')
        if node.resource_type == 'seed'
        or (node.resource_type == 'model' and node.fqn[1] in layers) -%}
        {%- do parts.append(node.checksum.checksum) -%}
        {%- if node.resource_type == 'model' -%}
            {%- do parts.append(node.contract.checksum | string) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join(' '))) }}
{%- endmacro %}

{# Forgets the rows of the present model that this run puts in again. #}
{% macro forget(which) -%}
    {%- if execute and not builds_whole() -%}
        {%- if not is_incremental() -%}
            {{ exceptions.raise_compiler_error(
                this ~ " is gone, and a run adds to it only what is new."
                " Build its layer anew with --full-refresh."
            ) }}
        {%- endif -%}
        {{- everywhere_the_same(which) -}}
        delete from {{ this }} where {{ which }}
        settings lightweight_deletes_sync = 2
    {%- endif -%}
{%- endmacro %}

{# Before new events are staged, and what is read from them: the rows they replace. #}
{# (by id as the tables lie: a new id has no row, unless a killed run left it) #}
{% macro forget_new_events() -%}
    {{ forget(new_events()) }}
{%- endmacro %}

{# The events that this run stages, as a condition on own_key and event_id. #}
{% macro new_events() -%}
    {%- if 'model.questlog.stg_changes' in selected_resources -%}
        own_key in (
            select sipHash64(own_id) from staging.stg_changes
            where run_id = '{{ invocation_id }}'
        )
        and
    {% endif -%}
    event_id in (
        select event_id from raw.events
        where loaded_at in (select loaded_at from staging.stg_loads_new)
        union all
        select event_id from staging.stg_repeated_ids
    )
{%- endmacro %}

{# Before clocks are followed: the rows of the devices of which something came. #}
{% macro forget_devices_that_came() -%}
    {{ forget(
        "(source, anonymous_id) in (select (source, anonymous_id) from raw.events"
        " where loaded_at in (select loaded_at from staging.stg_loads_new))"
    ) }}
{%- endmacro %}

{# Before conflicts are listed: the rows of the ids that are compared again. #}
{% macro forget_repeated_ids() -%}
    {{ forget("event_id in (select event_id from staging.stg_repeated_ids)") }}
{%- endmacro %}

{# Before loads are written down as staged: what was said of them. #}
{% macro forget_new_loads() -%}
    {{ forget("loaded_at in (select loaded_at from staging.stg_loads_new)") }}
{%- endmacro %}

{#
  Before ids are noted: the runs that the marts have followed. Nothing asks for them
  again, for a run that is followed is skipped, and a whole build follows nothing.
#}
{% macro forget_runs_followed() -%}
    {%- if execute and not builds_whole()
        and adapter.get_relation(none, 'intermediate', 'int_changes_followed') -%}
        {{ forget("run_id in (select run_id from intermediate.int_changes_followed)") }}
    {%- endif -%}
{%- endmacro %}

{# Before signed-in devices are listed: the rows of the users whose events changed. #}
{% macro forget_changed_users() -%}
    {{ forget("user_id in (select own_id from intermediate.int_changes_new)") }}
{%- endmacro %}

{# Before people are computed: the rows of the people that this run computes. #}
{# (`person_key` where a table has it: numbers are found faster than texts) #}
{% macro forget_touched_people(key='person_id') -%}
    {{ forget(
        key ~ " in (select " ~ key ~ " from intermediate.int_touched_people)"
    ) }}
{%- endmacro %}

{# In a model of staged events: only those that this run staged. #}
{% macro of_new_events(word) -%}
    {%- if not builds_whole() -%}
        {{ word }} {{ new_events() }} {{ written_by_this_run(ref('stg_events')) }}
    {%- endif -%}
{%- endmacro %}

{# The events of the people that this run computes, where they lie together. #}
{% macro events_to_compute() -%}
    {{ return(
        ref('int_events_identified') if builds_whole() else ref('int_events_touched')
    ) }}
{%- endmacro %}

{#
  In a model by person: only the people that this run computes again. `written` is the
  table that is read, where an earlier model of the run wrote all rows of these people.
#}
{% macro of_touched_people(word, key='person_id', written=none) -%}
    {%- if not builds_whole() -%}
        {{ word }} {{ key }} in (
            select {{ key }} from intermediate.int_touched_people
        )
        {{ written_by_this_run(written) if written is not none }}
    {%- endif -%}
{%- endmacro %}

{#
  Before a run: the number of the last block that each table holds. What the run adds
  lies in parts with a later one, also where they are merged with others meanwhile.
#}
{% macro notice_blocks() -%}
    {%- if execute and flags.WHICH != 'compile' -%}
        {%- set last -%}
            select
                concat(database, '.', table) as place,
                max(max_block_number) as block
            from system.parts
            where active and database != 'system'
            group by place
        {%- endset -%}
        {%- for row in run_query(last).rows -%}
            {%- do graph.setdefault('questlog_last_blocks', {}).update(
                {row[0]: row[1]}
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
  Of a table to which a model of this run adds: only the parts that hold what it added.
  Nothing where that model is not among those that are run.
#}
{% macro written_by_this_run(relation) -%}
    {%- set block = graph.get('questlog_last_blocks', {}).get(
        relation.schema ~ '.' ~ relation.identifier
    ) if execute else none -%}
    {%- if block is not none
        and 'model.questlog.' ~ relation.identifier in selected_resources -%}
        and toUInt64OrZero(splitByChar('_', _part)[3]) > {{ block }}
    {%- endif -%}
{%- endmacro %}

{#
  Before a run: rows that are gone from raw.events can't be followed one by one. Where a
  load has fewer copies than were staged of it, staging is built whole.
#}
{% macro notice_copies_that_left() -%}
    {%- set tables -%}
        select count()
        from system.tables
        where
            (database, name) in (
                ('raw', 'events'), ('staging', 'stg_loads'), ('staging', 'stg_build')
            )
    {%- endset -%}
    {%- if execute and flags.WHICH != 'compile'
        and run_query(tables).rows[0][0] | int == 3 -%}
        {%- set left -%}
            select count()
            from (
                select loaded_at, sum(copies) as copies
                from staging.stg_loads
                group by loaded_at
            ) as staged
            left join (
                select loaded_at, count() as copies
                from raw.events
                group by loaded_at
            ) as present using (loaded_at)
            where present.copies < staged.copies
        {%- endset -%}
        {%- if run_query(left).rows[0][0] | int > 0 -%}
            {{ log('Copies have left raw.events: everything is built whole.', true) }}
            truncate table staging.stg_build
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#
  What a test of a build looks at: after a run that followed what is new, the rows of
  the ids and people it touched, in which every row it wrote or replaced lies. `dbt
  test`, whole builds and the gates look at all rows.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') or rows_touched(relation) -%}
    {%- if where -%}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{% macro rows_touched(relation) -%}
    {%- set name = relation.identifier -%}
    {%- set touched_people -%}
        person_id in (select person_id from intermediate.int_touched_people)
        {{ written_by_this_run(relation) }}
    {%- endset -%}
    {%- set touched_keys -%}
        person_key in (select person_key from intermediate.int_touched_people)
        {{ written_by_this_run(relation) }}
    {%- endset -%}
    {%- set changed_ids -%}
        own_key in (
            select sipHash64(own_id) from staging.stg_changes
            where run_id = '{{ invocation_id }}'
        )
    {%- endset -%}
    {%- set touched = {
        'stg_events': changed_ids,
        'stg_payments': changed_ids,
        'stg_consents': changed_ids,
        'int_people_days': touched_keys,
        'int_people_steps': touched_people,
        'int_people_periods': touched_people,
        'int_people_features': touched_people,
        'int_people_revenue': touched_people,
        'int_channel_paths': touched_people,
        'int_session_paths': touched_keys,
        'fct_events': touched_keys,
        'fct_sessions': touched_people,
        'fct_runaways': touched_people,
        'fct_active_days': touched_keys,
        'fct_game_sessions': touched_people,
        'fct_page_views': touched_people,
        'fct_session_sources': touched_people,
        'dim_traits': touched_people
    } -%}
    {%- if execute and flags.WHICH == 'build' and name in touched
        and not builds_whole() -%}
        {{ return(touched[name]) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
