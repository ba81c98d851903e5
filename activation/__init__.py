"""The reach: consent, identifiers, audiences, destinations and their stand-ins."""
