"""Do the metrics say what the status says, in a form that Prometheus, its rules and Grafana understand?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops.policies import asking_for
from preserve.cli.exits import Exit
from preserve.daemon.metrics import GAUGES, Board, families, served
from preserve.errors import Refused
from preserve.model import events
from preserve.model.incidents import Incident, IncidentKind
from preserve.state.books import Books
from tests.cli.program import Program
from tests.state.bookkeeping import ACT, at, damage

MONITORING = Path(__file__).parents[2] / "ops" / "monitoring"
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "description", "gridPos", "targets", "datasource", "fieldConfig"],
    "properties": {
        "type": {"enum": ["stat", "timeseries", "bargauge"]},
        "gridPos": {
            "type": "object",
            "required": ["x", "y", "w", "h"],
            "properties": {"x": {"minimum": 0, "maximum": 23}, "w": {"minimum": 1, "maximum": 24}},
        },
        "targets": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["refId", "expr", "datasource"]},
        },
    },
}
DASHBOARD = {
    "type": "object",
    "required": ["title", "uid", "schemaVersion", "panels", "templating", "time"],
    "properties": {"schemaVersion": {"type": "integer", "minimum": 36}, "panels": {"type": "array", "items": PANEL}},
}
"""What Grafana needs of a dashboard (its own schema is published as CUE, for which no tool is at hand here)."""


@pytest.fixture(scope="session")
def promtool() -> str:
    beside = Path(sys.executable).with_name("promtool")
    found = str(beside) if beside.exists() else shutil.which("promtool")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is not there; ops/install.sh browser takes it out of Debian's prometheus")
        pytest.skip("promtool is not there; ops/install.sh browser takes it out of Debian's prometheus")
    return found


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """A home with one package in one store of the two that its policy wants."""
    monkeypatch.setenv("PRESERVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    program = Program(tmp_path, capsys)
    program("init")
    program("store", "add", "main", "--role", "primary", "--url", (tmp_path / "main").as_uri())
    (tmp_path / "policy.toml").write_text(asking_for(["primary", "same_city"]), encoding="utf-8")
    program("policy", "register", tmp_path / "policy.toml", "--reason", "a test")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "纪要.txt").write_text("minutes")
    program("ingest", tmp_path / "source", code=Exit.FINDINGS)
    return program


def told(program: Program) -> dict[tuple[str, ...], float]:
    """Every series of a fresh file, by name and the values of its labels."""
    file = program.folder / "preserve.prom"
    program("status", "--metrics", file, code=Exit.FINDINGS)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(file.read_text())
        for sample in family.samples
    }


def test_the_file_says_what_the_status_says(program: Program) -> None:
    with Books.open(program.folder / "home") as books:
        (package,) = books.packages()
        finding = damage(0, "main")
        books.record(
            events.found(ACT, at(1), finding),
            events.incident_opened(ACT, at(2), Incident(IncidentKind.BRAKE, 'a "name"\nof two lines \\', "what")),
        )
    found = told(program)
    document = program.ask("status", code=Exit.FINDINGS)
    assert found["preserve_ok",] == 0
    assert found["preserve_packages", "default"] == 1
    assert found["preserve_packages_not_safe", "default"] == document["short"] == 1
    assert found["preserve_payload_bytes", "default"] == document["payload_bytes"] == len("minutes")
    assert found["preserve_copies", "primary", "verified", "main"] == 1
    assert found["preserve_findings_open", "damaged", "main"] == 1
    assert found["preserve_incidents_open", "brake"] == 1
    assert found["preserve_incidents_open", "clock"] == 0
    assert found["preserve_concerns", "no store"] == 1
    assert found["preserve_store_up", "primary", "main"] == 1
    assert found["preserve_ledger_entries",] == document["ledger_entries"]
    assert found["preserve_ledger_unpublished_entries", "main"] == 2
    assert found["preserve_copies_by_audit_age", "up to a quarter", "main"] == 1
    assert found["preserve_status_timestamp_seconds",] > 1_700_000_000
    assert package.id


def test_promtool_finds_nothing_to_complain_about(program: Program, promtool: str) -> None:
    told(program)
    text = (program.folder / "preserve.prom").read_bytes()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_promtool_finds_nothing_to_complain_about_in_any_metric_there_is(promtool: str) -> None:
    """A label `quantile`, which only summaries may have, came with the first drill."""
    board = Board()
    board.put(families((gauge, tuple("one" for _ in gauge.labels), 1) for gauge in GAUGES))
    done = subprocess.run([promtool, "check", "metrics"], input=board.text(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_file_is_whole_at_every_moment_and_stays_when_it_cannot_be_written(program: Program) -> None:
    file = program.folder / "preserve.prom"
    file.write_text("old")
    program("status", "--metrics", file, code=Exit.FINDINGS)
    assert file.read_text().endswith("\n")
    assert [each.name for each in program.folder.glob("*.prom*")] == ["preserve.prom"]
    assert file.stat().st_mode & 0o044  # node_exporter is another user
    program("status", "--metrics", program.folder / "nowhere" / "x.prom", code=Exit.REFUSED)


def test_the_daemon_serves_what_was_shown_last_without_looking_again() -> None:
    board = Board()
    with served(board, "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b""
        board.put(families([(GAUGES[0], ("1",), 1)]))
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b'preserve_build_info{version="1"} 1.0' in answer.read()
        with pytest.raises(Refused, match="cannot be served"), served(Board(), "127.0.0.1", port):
            pass
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=10)


def test_the_alert_rules_fire_when_they_should_and_only_then(promtool: str) -> None:
    done = subprocess.run(
        [promtool, "test", "rules", "alerts.test.yml"], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bpreserve_(?!_)\w+", text))


def test_rules_and_dashboard_ask_for_metrics_that_exist() -> None:
    known = {f"preserve_{gauge.name}" for gauge in GAUGES}
    expressions = [line for line in (MONITORING / "alerts.yml").read_text().splitlines() if "expr:" in line]
    assert expressions and names_in("\n".join(expressions)) <= known
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert asked and names_in("\n".join(asked)) <= known


def test_the_dashboard_is_one_that_grafana_can_load_and_prometheus_can_answer(promtool: str, tmp_path: Path) -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    jsonschema.validate(dashboard, DASHBOARD)
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24  # nothing lies over anything else
    rules = [
        {"record": f"panel:{number}", "expr": target["expr"]}
        for number, target in enumerate(target for panel in panels for target in panel["targets"])
    ]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", tmp_path / "rules.json"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
