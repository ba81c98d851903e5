"""The note in the first line of every generated file."""


def note(source: str) -> str:
    """What the file is made from, and the one command that makes it."""
    return f"Generated from {source} by `questlog generate`. Do not edit."
