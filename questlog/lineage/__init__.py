"""Questions of lineage: of a column, a table, an audience, one of its members."""
