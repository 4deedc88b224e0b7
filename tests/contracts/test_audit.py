"""The audit of pinned requirements finds what is known, and says when it looked at nothing."""

from __future__ import annotations

import importlib.util
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
assert _spec is not None
assert _spec.loader is not None
audit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(audit)


def record(name: str = "Some_Package", **affected: Any) -> dict[str, Any]:
    """Return a record about one package."""
    entry = {"package": {"ecosystem": "PyPI", "name": name}, **affected}
    return {"id": "PYSEC-1", "summary": "It breaks.", "aliases": ["CVE-1"], "affected": [entry]}


def spans(*events: tuple[str, str]) -> dict[str, Any]:
    """Return a range of versions as OSV tells it."""
    told = [{kind: at} for kind, at in events]
    return {"ranges": [{"type": "ECOSYSTEM", "events": told}]}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one pinned package."""
    (tmp_path / "requirements.txt").write_text("some-package==1.5 \\\n    --hash=sha256:00\n")
    (tmp_path / "cache").mkdir()
    return tmp_path


def run(place: Path) -> int:
    """Run the audit on a folder."""
    places = ["--requirements", str(place), "--cache", str(place / "cache")]
    code: int = audit.main([*places, "--accepted", str(place / "accepted.json")])
    return code


def put(place: Path, document: Any) -> None:
    """Put a list into the cache."""
    (place / "cache" / "list.json").write_text(json.dumps(document))


def test_without_a_list_it_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing looked at is not the same as nothing found, and reads so."""
    assert run(place) == 0
    assert "AUDIT SKIPPED" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("affected", "code"),
    [
        (spans(("introduced", "0")), 1),
        (spans(("introduced", "0"), ("fixed", "1.5")), 0),
        (spans(("introduced", "0"), ("fixed", "1.5.1")), 1),
        (spans(("introduced", "1.5")), 1),
        (spans(("introduced", "1.6")), 0),
        (spans(("introduced", "0"), ("last_affected", "1.5")), 1),
        (spans(("introduced", "0"), ("last_affected", "1.4.9")), 0),
        (spans(("fixed", "1.2"), ("introduced", "0"), ("introduced", "1.4")), 1),
        (spans(("introduced", "0"), ("fixed", "not a version")), 1),
        ({"versions": ["1.4", "1.5"]}, 1),
        ({"versions": ["1.4"]}, 0),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, 0),
        ({}, 0),
    ],
)
def test_a_pin_is_held_against_ranges(place: Path, affected: dict[str, Any], code: int) -> None:
    """Introduced, fixed, last affected and listed versions count as OSV's specification says."""
    put(place, [record(**affected), record("other", **spans(("introduced", "0")))])
    assert run(place) == code


def test_what_is_found_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Package, version, file and all ids stand in one line, also from an archive."""
    with zipfile.ZipFile(place / "cache" / "all.zip", "w") as archive:
        archive.writestr("a.json", json.dumps(record(**spans(("introduced", "0")))))
    assert run(place) == 1
    told = capsys.readouterr().err
    assert "some-package 1.5 (requirements.txt): PYSEC-1, CVE-1: It breaks." in told


def test_withdrawn_and_foreign_records_do_not_count(place: Path) -> None:
    """A record that was withdrawn, or is about another ecosystem, is no finding."""
    all_versions = spans(("introduced", "0"))
    foreign = record(**all_versions)
    foreign["affected"][0]["package"]["ecosystem"] = "npm"
    put(place, [{**record(**all_versions), "withdrawn": "2026-01-01T00:00:00Z"}, foreign])
    assert run(place) == 0


def test_what_was_judged_passes_until_its_day(place: Path) -> None:
    """An accepted finding needs a reason, and comes back on its day."""
    put(place, record(**spans(("introduced", "0"))))
    for until, reason, code in (("2999-01-01", "not used", 0), ("2000-01-01", "old", 1),
                                ("2999-01-01", "", 1)):  # fmt: skip
        entry = {"PYSEC-1": {"reason": reason, "until": until}}
        (place / "accepted.json").write_text(json.dumps(entry))
        assert run(place) == code


@pytest.mark.parametrize("text", ["{", "[]x", "[7]", "{}", "[" * 100_000, "\ufeff"])
def test_a_list_that_cannot_be_read_fails(place: Path, text: str) -> None:
    """A broken list is no empty one."""
    (place / "cache" / "list.json").write_text(text)
    assert run(place) == 2


def test_the_tests_that_show_a_promise_exist() -> None:
    """Each test that SECURITY.md names beside a promise is there."""
    folder = ""
    for name in re.findall(
        r"`((?:tests/)?[\w/]*test_\w+\.py)`", (ROOT / "SECURITY.md").read_text()
    ):
        folder = name.rpartition("/")[0] or folder
        assert (ROOT / folder / name.rpartition("/")[2]).is_file(), name


def test_every_requirements_file_is_pinned_so_that_it_can_be_audited() -> None:
    """The real files are understood: each requirement is a pin with a version."""
    found = audit.pins(ROOT)
    assert len(found) > 60
    for file in ROOT.glob("requirements*.txt"):
        lines = [line for line in file.read_text().splitlines() if line[:1].isalnum()]
        told = sum(file.name in files for versions in found.values() for files in versions.values())
        assert told <= len(lines)
        assert all("==" in line for line in lines), file.name
