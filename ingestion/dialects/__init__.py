"""Other systems' tracker protocols, each translated into events of our envelope."""
