"""The door: what comes in, and what is turned away."""
