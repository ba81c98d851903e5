"""Where a column comes from and where it goes; events that tell others of it."""
