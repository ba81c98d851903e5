"""What would let a client out of the database: refused token by token.

The engine's own grants refuse most sources already. They do not cover what is
listed here first: the function `file`, Python(), INTO OUTFILE, FROM INFILE, some
database engines; and a Kafka table leaves a data directory that no longer opens.
"""

import re
from collections.abc import Sequence
from typing import Protocol

DENIED_FUNCTIONS = frozenset(
    """
    aiclassify aiembed aiextract aifilter aigenerate airedact aisimilarity aitranslate
    azureblobstorage azureblobstoragecluster arrowstream bigquery catboostevaluate
    cluster clusterallreplicas cosn deltalake deltalakeazure deltalakeazurecluster
    deltalakecluster deltalakelocal deltalakes3 deltalakes3cluster disk eval executable
    file filecluster filesystem fuzzquery gcs hdfs hdfscluster hudi hudicluster iceberg
    icebergazure icebergazurecluster icebergcluster iceberghdfs iceberghdfscluster
    iceberglocal iceberglocalcluster icebergs3 icebergs3cluster jdbc mongodb mysql odbc
    oss paimon paimonazure paimonazurecluster paimoncluster paimonhdfs
    paimonhdfscluster paimonlocal paimons3 paimons3cluster postgresql prometheusquery
    prometheusqueryrange python redis remote remotesecure s3 s3cluster sqlite url
    urlcluster ytsaurus
    """.split()  # noqa: SIM905 - a table reads better
)
"""Functions that reach files, other servers, or the objects of this process."""

DENIED_ENGINES = frozenset(
    """
    arrowstream azureblobstorage azurequeue backup bigquery cosn datalakecatalog
    deltalake deltalakeazure deltalakelocal deltalakes3 distributed embeddedrocksdb
    executable executablepool file filelog filesystem gcs hdfs hudi iceberg icebergazure
    iceberghdfs iceberglocal icebergs3 jdbc kafka keepermap materializedpostgresql
    mongodb mysql nats odbc oss overlay paimon paimonazure paimonhdfs paimonlocal
    paimons3 postgresql python queryrunner rabbitmq redis remote remotesecure replicated
    s3 s3queue sqlite url ytsaurus
    """.split()  # noqa: SIM905 - a table reads better
)
"""Engines that do so, or that leave a data directory which no longer opens."""

_SCALARS = frozenset({"file"} | {n for n in DENIED_FUNCTIONS if n.startswith("ai")})
"""Those that can be passed by name, as in `arrayMap(file, names)` or `apply file`."""

SUSPICIOUS = re.compile("|".join(sorted(DENIED_FUNCTIONS)).encode(), re.IGNORECASE)
"""Finds every text that could call a denied function, and many that could not."""

_DEFINES = frozenset({"CREATE", "ATTACH", "REPLACE", "ALTER"})
_DEFINED = frozenset({".", "INTO", "TABLE", "EXISTS", "VIEW", "DICTIONARY", "DATABASE"})
_SYSTEM = frozenset({"SHUTDOWN", "KILL", "SUSPEND", "FAILPOINT", "INSTRUMENT"})
_LOCAL_SOURCES = frozenset({"clickhouse", "null"})


class Token(Protocol):
    """What this page needs to know of a token."""

    @property
    def text(self) -> str:
        """As written."""

    @property
    def kind(self) -> str:
        """The sort of token."""

    @property
    def word(self) -> str:
        """The keyword it may be."""

    @property
    def name(self) -> str:
        """The identifier it may be."""


def refusal(found: Sequence[Token]) -> str:
    """Why a statement is refused; empty when it is not."""
    words = [token.word for token in found]
    passes_functions = _passes_functions(found, words)
    for at, token in enumerate(found):
        before = words[at - 1] if at else ""
        if token.word == "OUTFILE" and before == "INTO":
            return "INTO OUTFILE writes files of the server"
        if token.word == "INFILE" and before == "FROM":
            return "FROM INFILE reads files of the server"
        if token.word == "SYSTEM" and at == 0 and _SYSTEM & set(words):
            return "this SYSTEM statement would stop the server"
        name = token.name.lower()
        if name in DENIED_FUNCTIONS and _called(found, at):
            return f"the function {token.name} reaches out of the database"
        if name in _SCALARS and passes_functions and not _qualified(found, at):
            return (
                f"the function {token.name} reaches out of the database; if a column"
                " is meant, write it with its table"
            )
    return _refused_definition(found, words)


def _passes_functions(found: Sequence[Token], words: Sequence[str]) -> bool:
    """Whether functions may be passed by name here."""
    return "APPLY" in words or any(
        token.name.lower().startswith(("array", "map")) and _called(found, at)
        for at, token in enumerate(found)
    )


def _called(found: Sequence[Token], at: int) -> bool:
    before = (found[at - 1].word or found[at - 1].text) if at else ""
    followed = at + 1 < len(found) and found[at + 1].text == "("
    return followed and before not in _DEFINED


def _qualified(found: Sequence[Token], at: int) -> bool:
    return at > 0 and found[at - 1].text == "."


def _refused_definition(found: Sequence[Token], words: Sequence[str]) -> str:
    if not _DEFINES & set(words):
        return ""
    for at, word in enumerate(words):
        rest = found[at + 1 : at + 3]
        if word == "ENGINE" and rest:
            name = rest[-1].name if rest[0].text == "=" else rest[0].name
            if name.lower() in DENIED_ENGINES:
                return f"the engine {name} is not available in the embedded endpoint"
        if word == "SOURCE" and [token.text for token in rest[:1]] == ["("]:
            source = rest[-1].name.lower()
            if source not in _LOCAL_SOURCES or "HOST" in words[at:]:
                return f"the dictionary source {source} reaches out of the database"
        if word == "FROM" and "ATTACH" in words and rest and rest[0].kind == "string":
            return "ATTACH FROM reads files of the server"
    return ""
