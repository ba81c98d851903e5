"""The platform watches itself: figures of batches, alerts, one screen of health."""
