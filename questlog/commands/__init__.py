"""What can be typed after `questlog`: one module a room, each with `register`."""
