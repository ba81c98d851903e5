"""A world to play with: the events of a believable tabletop-RPG service, by seed."""
