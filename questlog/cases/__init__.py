"""Acceptance cases: a folder of events, a question and its answer, run for real."""
