"""`python -m chaos`: the whole matrix, then a storm."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import structlog

from chaos.report import HEAD, Report
from chaos.storm import Options, blow

ROOT = Path(__file__).parents[1]
MATRIX_S = 1200


def matrix() -> int:
    """Run every fault test on both pools; print what they measured."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        report = Path(folder) / "report.xml"
        tests = [sys.executable, "-m", "pytest", "tests/e2e/faults", "tests/celery"]
        code = subprocess.run(
            [*tests, "--quiet", f"--junitxml={report}", "-o", "junit_family=xunit1"],
            cwd=ROOT,
            env={**os.environ, "FAULTS": "all"},
            check=False,
            timeout=MATRIX_S,
        ).returncode
        if report.exists():
            for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own file
                for measured in case.iter("property"):
                    if measured.get("value") != "None":
                        name = f"{case.get('name')} {measured.get('name')}"
                        print(f"  {name}: {measured.get('value')}")
    return code


def main() -> int:
    """Return 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="how long a storm blows")
    parser.add_argument(
        "--seed", type=int, action="append", help="repeats a storm's choices; one storm for each"
    )
    parser.add_argument("--faults", type=int, default=0, help="at least so many")
    parser.add_argument("--tasks", type=int, default=0, help="at least so many")
    parser.add_argument("--most-tasks", type=int, default=20_000, help="at most so many")
    parser.add_argument("--only", choices=["matrix", "storm"], help="one part of the two")
    parser.add_argument("--json", type=Path, help="a folder for the reports as JSON")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wrong = 0
    if options.only != "storm":
        wrong += matrix() != 0
    if options.only != "matrix":
        reports = [_storm(options, seed) for seed in options.seed or [secrets.randbelow(1_000_000)]]
        print("\n".join([HEAD, *(report.row() for report in reports)]))
        wrong += sum(bool(report.wrong) for report in reports)
    return 1 if wrong else 0


def _storm(options: argparse.Namespace, seed: int) -> Report:
    print(f"a storm of {options.minutes} min, seed {seed}", flush=True)
    report = blow(
        Options(
            minutes=options.minutes,
            seed=seed,
            least_faults=options.faults,
            least_tasks=options.tasks,
            most_tasks=options.most_tasks,
        )
    )
    print(report.text(), flush=True)
    if options.json is not None:
        options.json.mkdir(parents=True, exist_ok=True)
        (options.json / f"storm-{seed}.json").write_text(report.json())
    return report


if __name__ == "__main__":
    sys.exit(main())
