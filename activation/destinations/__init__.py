"""Where audiences go: one module a platform, all behind one protocol."""
