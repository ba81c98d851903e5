"""Print what Airflow's connections stand in for, as a task would be given it."""

import json
import os
from types import SimpleNamespace

from dags.credentials import CONNECTIONS, give_credentials


def main() -> None:
    wanted = [name for fields in CONNECTIONS.values() for name in fields.values()]
    for tags in ({"warehouse"}, {"activation"}):
        give_credentials({"dag": SimpleNamespace(tags=tags)})
        if "warehouse" in tags:
            assert os.environ["META_ACCESS_TOKEN"] == "token-of-the-environment"
    print(json.dumps({name: os.environ[name] for name in wanted if name in os.environ}))


if __name__ == "__main__":
    main()
