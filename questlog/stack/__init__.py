"""The local stack: every service of the house on one machine, on loopback."""
