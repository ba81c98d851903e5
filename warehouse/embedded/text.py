"""Values and names as ClickHouse's SQL writes them."""


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A name that may be any text."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
