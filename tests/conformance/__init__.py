"""Client projects' own integration suites, run against a fresh endpoint."""
