"""Stand-ins of ad platforms: protocol-faithful, on this machine, nobody's data."""
