"""The engine's own configuration files: limits, users, logs, folders."""

import os
from collections.abc import Collection
from pathlib import Path

from warehouse.durable import private_folder
from warehouse.embedded import default_database, roles

_GIB = 1 << 30

_SERVER = """<clickhouse>
  <logger><level>none</level></logger>
  <display_name>questlog</display_name>
  <timezone>UTC</timezone>
  <default_database>{overlay}</default_database>
  <users_config>{folder}/users.xml</users_config>
  <user_files_path>{folder}/user_files/</user_files_path>
  <tmp_path>{folder}/tmp/</tmp_path>
  <max_server_memory_usage>{server_bytes}</max_server_memory_usage>
  <mark_cache_size>{cache_bytes}</mark_cache_size>
  <remote_url_allow_hosts></remote_url_allow_hosts>
  <storage_configuration><disks>
    <backups><type>local</type><path>{backups}/</path></backups>
  </disks></storage_configuration>
  <backups><allowed_disk>backups</allowed_disk></backups>
  <merge_tree>
    <fsync_after_insert>{fsync}</fsync_after_insert>
    <fsync_part_directory>{fsync}</fsync_part_directory>
  </merge_tree>
  <query_log>
    <database>system</database><table>query_log</table>
    <ttl>event_date + interval 3 day</ttl>
    <flush_interval_milliseconds>15000</flush_interval_milliseconds>
  </query_log>
</clickhouse>
"""

_USERS = """<clickhouse>
  <profiles><default>
    <implicit_select>0</implicit_select>
    <max_memory_usage>{query_bytes}</max_memory_usage>
    <max_bytes_before_external_group_by>{spill_bytes}</max_bytes_before_external_group_by>
    <max_bytes_before_external_sort>{spill_bytes}</max_bytes_before_external_sort>
    <max_bytes_before_external_join>{spill_bytes}</max_bytes_before_external_join>
    <allow_introspection_functions>0</allow_introspection_functions>
    <allow_python_table_function>0</allow_python_table_function>
    {exports}
    <constraints>
      <max_memory_usage><min>1</min><max>{query_bytes}</max></max_memory_usage>
      <max_untracked_memory><max>4194304</max></max_untracked_memory>
      {constraints}
    </constraints>
  </default></profiles>
  <quotas><default></default></quotas>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    {access}
  </default></users>
  <roles>{roles}</roles>
</clickhouse>
"""

_EXPORTS = {
    "output_format_parquet_row_group_size": 1 << 16,
    "output_format_parquet_row_group_size_bytes": 8 << 20,
    "output_format_parquet_bloom_filter_flush_threshold_bytes": 1 << 20,
}
"""What keeps an export's memory small. The engine holds a row group plain and packed,
and by its own settings a million rows of it, beside the filters of many groups."""


def write_configuration(
    folder: Path,
    patterns: Collection[str] = (),
    *,
    backups: Path | None = None,
    fsync: bool = True,
) -> Path:
    """Write the engine's files into its folder; returns the main one's path.

    Half of the machine's memory is the engine's, half of that one query's, and a
    query spills to disk from half of its share: 24 GiB give 12, 6, 3; 8 GiB 4, 2, 1.
    The patterns are those of databases that a user may be restricted to. With `fsync`
    an insert waits for the disk, unless its table says otherwise. Backups go to a
    folder of that name, or to the one given.
    """
    backups = backups or folder / "backups"
    private_folder(backups)
    for name in ("user_files", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    server = memory() // 2
    (folder / "users.xml").write_text(
        _USERS.format(
            query_bytes=server // 2,
            spill_bytes=server // 4,
            exports="".join(f"<{name}>{n}</{name}>" for name, n in _EXPORTS.items()),
            constraints=roles.CONSTRAINTS,
            access=roles.access(patterns),
            roles=roles.definitions(patterns),
        )
    )
    path = folder / "config.xml"
    path.write_text(
        _SERVER.format(
            folder=folder,
            overlay=default_database.OVERLAY,
            server_bytes=server,
            cache_bytes=min(server // 16, _GIB // 2),
            backups=backups,
            fsync=int(fsync),
        )
    )
    return path


def memory() -> int:
    """Bytes of memory this process may count on: the machine's, or its group's."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdecimal() else physical
