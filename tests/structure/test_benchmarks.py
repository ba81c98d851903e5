"""Every benchmark can be started: what one takes from another is still there."""

from importlib import import_module

from bench.__main__ import modules


def test_every_benchmark_can_be_started() -> None:
    found = {name: import_module(module) for name, module in modules().items()}

    assert {"gates", "faults", "models"} <= set(found)
    assert [name for name, module in found.items() if not callable(module.run)] == []
