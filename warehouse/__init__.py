"""The floor: what every other package stands on. Light imports only."""
