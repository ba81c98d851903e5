"""What other services tell us of their own accord, signed."""
