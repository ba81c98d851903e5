"""Health between the tables: features in, scores with their parts out."""

from datetime import date
from typing import TYPE_CHECKING

from ml.health import scoring
from ml.people import everyone
from ml.records import write_scores

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE = "ml.health_scores"


def score(client: "Client", as_of: date) -> int:
    """Write the health of everyone active in the 56 days before; return how many."""
    people = everyone(client, as_of)
    found = scoring.score(people, scoring.weights())
    columns = {
        "person_id": people["person_id"].tolist(),
        "health": found["health"].tolist(),
        "parts": found.drop(columns="health").to_dict("records"),
    }
    return write_scores(client, table=TABLE, as_of=as_of, columns=columns)
