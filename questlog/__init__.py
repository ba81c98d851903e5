"""The handle: the questlog command and the local stack it starts."""
