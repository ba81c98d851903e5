"""An engine with a Keeper in its memory: makes replicated tables, replicates nothing.

`python -m tests.integration.keeper_in_memory FOLDER` takes statements for a cluster as
JSON and prints the place of each table in Keeper. In a process of its own, for there
is one engine in each, and this one does not end well. Neither rows nor columns can be
put in: chDB has no port for other replicas, so its tables stay readonly.
"""

import json
import os
import re
import sys
from pathlib import Path
from uuid import uuid4

_CONFIGURATION = """<clickhouse>
  <zookeeper>
    <implementation>testkeeper</implementation>
    <node><host>localhost</host><port>2181</port></node>
  </zookeeper>
  <macros><shard>01</shard><replica>one</replica></macros>
</clickhouse>"""
_ON_CLUSTER = re.compile(r' on cluster "\w+"')


def as_one_server(statement: str) -> str:
    """What one of the servers makes of a statement that comes to all.

    To all servers comes the uuid of a table with it, so that they agree on its place.
    """
    made = re.match(r"(?:--.*\n)*create table (?:if not exists )?[\w.]+", statement)
    uuid = f" uuid '{uuid4()}'" if made else ""
    return _ON_CLUSTER.sub(uuid, statement)


def main(folder: Path, statements: list[str]) -> None:
    """Run the statements in a new folder and print the places."""
    import chdb

    configuration = folder / "keeper.xml"
    configuration.write_text(_CONFIGURATION)
    engine = chdb.connect(f"{folder / 'data'}?config-file={configuration}")
    for statement in statements:
        engine.query(as_one_server(statement))
    places = engine.query(
        "select concat(database, '.', table), zookeeper_path from system.replicas",
        "JSONCompactEachRow",
    )
    sys.stdout.write(places.bytes().decode())
    sys.stdout.flush()
    # its destructors wait for a Keeper that is gone
    os._exit(0)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), json.load(sys.stdin))
    except RuntimeError as error:
        sys.stderr.write(str(error))
        sys.stderr.flush()
    os._exit(1)
