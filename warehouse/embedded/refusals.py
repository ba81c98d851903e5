"""What would let a client out of the database: refused token by token."""

from collections.abc import Sequence
from typing import Protocol

DENIED_FUNCTIONS = frozenset(
    """
    aiclassify aiembed aiextract aifilter aigenerate airedact aisimilarity aitranslate
    azureblobstorage azureblobstoragecluster arrowstream bigquery catboostevaluate cluster
    clusterallreplicas cosn deltalake deltalakeazure deltalakeazurecluster
    deltalakecluster deltalakelocal deltalakes3 deltalakes3cluster disk eval executable
    file filecluster filesystem fuzzquery gcs hdfs hdfscluster hudi hudicluster iceberg
    icebergazure icebergazurecluster icebergcluster iceberghdfs iceberghdfscluster
    iceberglocal iceberglocalcluster icebergs3 icebergs3cluster jdbc mongodb mysql odbc
    oss paimon paimonazure paimonazurecluster paimoncluster paimonhdfs
    paimonhdfscluster paimonlocal paimons3 paimons3cluster postgresql prometheusquery
    prometheusqueryrange python redis remote remotesecure s3 s3cluster sqlite url
    urlcluster ytsaurus
    """.split()
)
"""Functions that reach files, other servers, or the objects of this process."""

DENIED_ENGINES = frozenset(
    """
    arrowstream azureblobstorage azurequeue backup bigquery cosn datalakecatalog deltalake
    deltalakeazure deltalakelocal deltalakes3 distributed embeddedrocksdb executable
    executablepool file filelog filesystem gcs hdfs hudi iceberg icebergazure iceberghdfs
    iceberglocal icebergs3 jdbc kafka keepermap materializedpostgresql mongodb mysql nats
    odbc oss overlay paimon paimonazure paimonhdfs paimonlocal paimons3 postgresql python
    queryrunner rabbitmq redis remote remotesecure replicated s3 s3queue sqlite url
    ytsaurus
    """.split()
)
"""Engines that do so, or that leave a data directory which no longer opens."""

_DENIED_SYSTEM = frozenset({"SHUTDOWN", "KILL", "SUSPEND", "FAILPOINT", "INSTRUMENT"})
_LOCAL_SOURCES = frozenset({"clickhouse", "null"})


class _Token(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def word(self) -> str: ...
    @property
    def name(self) -> str: ...


def refusal(found: Sequence[_Token]) -> str:
    """Why a statement is refused; empty when it is not."""
    words = [token.word for token in found]
    for at, token in enumerate(found):
        before = words[at - 1] if at else ""
        if token.word == "OUTFILE" and before == "INTO":
            return "INTO OUTFILE writes files of the server"
        if token.word == "INFILE" and before == "FROM":
            return "FROM INFILE reads files of the server"
        if _calls(found, at) and token.name.lower() in DENIED_FUNCTIONS:
            return f"the function {token.name} reaches out of the database"
        if before == "SYSTEM" and at == 1 and _DENIED_SYSTEM & set(words):
            return "this SYSTEM statement would stop the server"
    return _refused_definition(found, words)


def _calls(found: Sequence[_Token], at: int) -> bool:
    """Whether the name at a place is used as a function."""
    before = [token.word or token.text for token in found[max(0, at - 2) : at]]
    if "APPLY" in before:
        return True
    followed = at + 1 < len(found) and found[at + 1].text == "("
    return followed and before[-1:] not in (["."], ["INTO"], ["TABLE"], ["EXISTS"])


def _refused_definition(found: Sequence[_Token], words: Sequence[str]) -> str:
    if not words or words[0] not in {"CREATE", "ATTACH", "REPLACE", "ALTER", "UNDROP"}:
        return ""
    for at, word in enumerate(words):
        rest = found[at + 1 : at + 3]
        if word == "ENGINE" and rest:
            name = rest[-1].name if rest[0].text == "=" else rest[0].name
            if name.lower() in DENIED_ENGINES:
                return f"the engine {name} is not available in the embedded endpoint"
        if word == "SOURCE" and len(rest) > 1 and rest[0].text == "(":
            if rest[1].name.lower() not in _LOCAL_SOURCES or "HOST" in words[at:]:
                return "this dictionary source reaches out of the database"
        if (
            words[0] == "ATTACH"
            and word == "FROM"
            and rest
            and rest[0].kind == "string"
        ):
            return "ATTACH FROM reads files of the server"
    return ""
