"""The production shape, as far as it can be held without an engine of Docker."""

import re
import shutil
import stat
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.settings import load, table
from warehouse.vault import load_master_key

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = {row.metadata["name"]: row for row in table()}
OURS = "questlog:0.1.0"
FOREIGN_NAME = re.compile(
    r"AIRFLOW_HOME|AIRFLOW__[A-Z_]+"
    r"|GF_SECURITY_ADMIN_PASSWORD__FILE|GF_ANALYTICS_[A-Z_]+"
    r"|CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT|POSTGRES_(USER|DB|PASSWORD_FILE)"
)
SECRET_NAME = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY|SQL_ALCHEMY_CONN")
# names of files in which secrets lie, and of users, are none
NO_SECRET = re.compile(r".*_FILE|AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS")


@cache
def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        (REPOSITORY / "docker-compose.yml").read_text()
    )
    return found


SERVICES: dict[str, dict[str, Any]] = composed()["services"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy")
    prepare(folder)
    return folder


def prepare(folder: Path) -> str:
    script = REPOSITORY / "deploy" / "prepare"
    done = subprocess.run(
        [str(script), str(folder)], check=True, capture_output=True, text=True
    )
    return done.stdout


def env_file(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def named_files() -> set[str]:
    secrets = {secret["file"] for secret in composed()["secrets"].values()}
    envs = {
        path for service in SERVICES.values() for path in service.get("env_file", [])
    }
    return secrets | envs


def test_the_production_shape_has_its_services() -> None:
    assert set(SERVICES) == {
        *("haproxy", "ingest-1", "ingest-2", "loader-1", "loader-2"),
        *("clickhouse", "migrate", "postgres", "pages"),
        *("airflow-init", "airflow-api-server", "airflow-scheduler"),
        *("airflow-dag-processor", "airflow-triggerer"),
        *("metrics", "alert-configuration", "alertmanager", "prometheus", "grafana"),
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_when_it_is_well_or_what_it_waits_for(name: str) -> None:
    service = SERVICES[name]
    conditions = [
        wait.get("condition") for wait in service.get("depends_on", {}).values()
    ]

    assert "healthcheck" in service or conditions
    assert all(conditions)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_what_can_be_awaited(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"].startswith("on-failure")


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_a_setting_or_a_known_name_of_another_program(
    name: str, prepared: Path
) -> None:
    service = SERVICES[name]
    written = dict(service.get("environment", {}))
    for path in service.get("env_file", []):
        written |= env_file(prepared / Path(path).relative_to("deploy"))

    assert [
        variable
        for variable in written
        if variable not in SETTINGS and not FOREIGN_NAME.fullmatch(variable)
    ] == []
    load({key: value for key, value in written.items() if key in SETTINGS})


def test_the_file_interpolates_only_settings_with_their_defaults() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    found = re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text)

    assert len(found) == text.count("${")
    assert {(name, default) for name, default in found} == {
        (name, str(SETTINGS[name].default)) for name, _ in found
    }


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_in_the_file(name: str) -> None:
    assert [
        variable
        for variable in SERVICES[name].get("environment", {})
        if SECRET_NAME.search(variable) and not NO_SECRET.fullmatch(variable)
    ] == []


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_alone(name: str) -> None:
    ports = SERVICES[name].get("ports", [])

    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not ports or "published" in SERVICES[name]["networks"]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_to_a_version(name: str) -> None:
    image = SERVICES[name]["image"]

    # a first part with a dot or a colon would be a registry's host name
    assert re.fullmatch(r"[a-z]+(/[a-z-]+)?:v?\d+\.\d+[\w.-]*", image)
    assert (image == OURS) == ("build" in SERVICES[name])


@pytest.mark.parametrize(
    "name", [name for name, service in SERVICES.items() if service["image"] == OURS]
)
def test_our_services_have_a_read_only_root_and_no_privileges(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_our_image_does_not_run_as_root() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()

    assert [line for line in lines if line.startswith("USER")] == ["USER questlog"]
    assert [
        line for line in lines if re.search(r":latest|FROM [a-z]+( |$)", line)
    ] == []


def mounted(name: str) -> dict[str, str]:
    pairs = [volume.split(":")[:2] for volume in SERVICES[name].get("volumes", [])]
    return {path: volume for volume, path in pairs}


def test_each_log_has_one_replica_and_one_loader() -> None:
    log = "/var/lib/questlog/log"
    owners = {name: mounted(name)[log] for name in SERVICES if log in mounted(name)}

    assert owners == {
        "ingest-1": "log-1",
        "loader-1": "log-1",
        "ingest-2": "log-2",
        "loader-2": "log-2",
    }


def test_the_master_key_goes_only_to_who_opens_the_vault() -> None:
    holding = {
        n
        for n, service in SERVICES.items()
        if "master_key" in service.get("secrets", ())
    }
    home = {n for n in SERVICES if "home" in mounted(n).values()}

    loaders = {"loader-1", "loader-2"}
    assert holding == home == {"ingest-1", "ingest-2", "airflow-scheduler"} | loaders


def test_the_door_has_no_password_of_the_warehouse_and_no_way_to_it() -> None:
    for name in ("haproxy", "ingest-1", "ingest-2"):
        assert "deploy/env/clickhouse.env" not in SERVICES[name].get("env_file", [])
        assert not {"floor", "metadata", "reach"} & set(SERVICES[name]["networks"])


def test_every_name_of_the_top_level_is_used_and_every_used_one_is_there() -> None:
    networks = {net for service in SERVICES.values() for net in service["networks"]}
    volumes = {
        volume
        for name in SERVICES
        for volume in mounted(name).values()
        if not volume.startswith(".")
    }
    secrets = {s for service in SERVICES.values() for s in service.get("secrets", ())}

    assert networks == set(composed()["networks"])
    assert volumes == set(composed()["volumes"])
    assert secrets == set(composed()["secrets"])


def test_our_commands_exist() -> None:
    import typer.main

    from questlog.__main__ import app

    for service in SERVICES.values():
        if service["image"] == OURS and "entrypoint" not in service:
            command: Any = typer.main.get_command(app)
            for word in service["command"]:
                if not word.startswith("--"):
                    command = command.commands[word]


def test_preparing_makes_every_file_that_is_named(prepared: Path) -> None:
    made = {f"deploy/{path.relative_to(prepared)}" for path in prepared.rglob("*.*")}
    made |= {f"deploy/secrets/{p.name}" for p in (prepared / "secrets").iterdir()}

    assert made == named_files()
    settings = load({"QUESTLOG_MASTER_KEY_FILE": f"{prepared}/secrets/master_key"})
    assert len(load_master_key(settings)) == 32


def test_preparing_again_changes_nothing(tmp_path: Path) -> None:
    prepare(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    said = prepare(tmp_path)

    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert all(line.startswith("kept") for line in said.splitlines())


def test_what_was_prepared_is_for_its_owner_and_not_for_git(prepared: Path) -> None:
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()

    for folder in ("env", "secrets"):
        assert stat.S_IMODE((prepared / folder).stat().st_mode) == 0o700
        assert f"deploy/{folder}/" in ignored


def test_the_image_gets_what_runs_and_no_data_or_secrets() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}

    assert "*" in lines
    assert all((REPOSITORY / path).exists() for path in let_in)
    assert not {".questlog", "deploy", ".env", ".git"} & let_in


@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")
def test_haproxy_takes_its_configuration() -> None:
    done = subprocess.run(
        ["haproxy", "-c", "-f", str(REPOSITORY / "deploy" / "haproxy.cfg")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    folder = REPOSITORY / "deploy" / "prometheus"
    text = (folder / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", ""))
    shutil.copy(folder / "rules.yml", tmp_path)

    done = subprocess.run(
        ["promtool", "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_prometheus_asks_services_that_it_can_reach() -> None:
    text = (REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").read_text()
    asked = {
        target.split(":")[0]
        for job in yaml.safe_load(text)["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    } - {"localhost"}
    networks = set(SERVICES["prometheus"]["networks"])

    assert asked >= {"ingest-1", "ingest-2", "metrics", "pages"}
    assert [n for n in asked if not networks & set(SERVICES[n]["networks"])] == []


def has_compose() -> bool:
    if not shutil.which("docker"):
        return False
    done = subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
def test_docker_compose_takes_its_file(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "docker-compose.yml", tmp_path)
    prepare(tmp_path / "deploy")

    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
