"""The record of the database `default`, as the engine finds it at its start."""

from pathlib import Path

from warehouse.embedded import default_database


def test_it_keeps_its_id_from_start_to_start(tmp_path: Path) -> None:
    record = tmp_path / "metadata" / "default.sql"
    default_database.store(tmp_path)
    first = record.read_text()
    # what the engine makes while it runs, and would stumble over
    (tmp_path / "metadata" / "default").symlink_to("../store/d0e/d0e689e5")

    default_database.store(tmp_path)

    assert record.read_text() == first
    assert not (tmp_path / "metadata" / "default").is_symlink()


def test_tables_of_an_overlay_of_that_name_stay_in_it(tmp_path: Path) -> None:
    own = "d0e689e5-4cc2-48b0-b1f8-02f673827114"
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "default").symlink_to(f"../store/d0e/{own}")

    default_database.store(tmp_path)

    assert f"UUID '{own}'" in (tmp_path / "metadata" / "default.sql").read_text()
