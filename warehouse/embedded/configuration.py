"""The engine's own configuration files: limits, users, logs, folders."""

import os
from collections.abc import Collection
from pathlib import Path

from warehouse.embedded import roles

_GIB = 1 << 30

_SERVER = """<clickhouse>
  <logger><level>none</level></logger>
  <display_name>questlog</display_name>
  <timezone>UTC</timezone>
  <users_config>{folder}/users.xml</users_config>
  <user_files_path>{folder}/user_files/</user_files_path>
  <tmp_path>{folder}/tmp/</tmp_path>
  <max_server_memory_usage>{server_bytes}</max_server_memory_usage>
  <mark_cache_size>{cache_bytes}</mark_cache_size>
  <remote_url_allow_hosts></remote_url_allow_hosts>
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
    <allow_introspection_functions>0</allow_introspection_functions>
    <allow_python_table_function>0</allow_python_table_function>
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


def write_configuration(folder: Path, patterns: Collection[str] = ()) -> Path:
    """Write the engine's files into its folder; returns the main one's path.

    Half of the machine's memory is the engine's, half of that one query's, and a
    query spills to disk from half of its share: 24 GiB give 12, 6, 3; 8 GiB 4, 2, 1.
    The patterns are those of databases that a user may be restricted to.
    """
    for name in ("user_files", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    server = memory() // 2
    (folder / "users.xml").write_text(
        _USERS.format(
            query_bytes=server // 2,
            spill_bytes=server // 4,
            constraints=roles.CONSTRAINTS,
            access=roles.access(patterns),
            roles=roles.definitions(patterns),
        )
    )
    path = folder / "config.xml"
    path.write_text(
        _SERVER.format(
            folder=folder, server_bytes=server, cache_bytes=min(server // 16, _GIB // 2)
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
