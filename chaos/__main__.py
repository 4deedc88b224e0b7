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
    parser.add_argument("--minutes", type=float, default=5, help="how long the storm blows")
    parser.add_argument("--seed", type=int, help="repeats a storm's choices")
    parser.add_argument("--tasks", type=int, default=5000, help="at most so many tasks")
    parser.add_argument("--only", choices=["matrix", "storm"], help="one part of the two")
    options = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wrong = 0
    if options.only != "storm":
        wrong += matrix() != 0
    if options.only != "matrix":
        print(f"a storm of {options.minutes} min, seed {seed}", flush=True)
        report = blow(Options(minutes=options.minutes, seed=seed, most_tasks=options.tasks))
        print(report.text())
        wrong += bool(report.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
