"""The gate: data that does not meet its expectations goes no further."""
