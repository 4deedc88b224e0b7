"""Images are named once each, can be pinned by digest, and a file of digests fits the tags."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
_NAMED = re.compile(r"\$\{([A-Z]+_IMAGE):-([^}]+)\}")
_PINNED = re.compile(r"([A-Z]+_IMAGE)=(\S+:\S+)@sha256:[0-9a-f]{64}")
DIGEST = "sha256:" + "0123456789abcdef" * 4
DOCKER = """#!/bin/sh
[ "$1 $2 $3" = "buildx imagetools inspect" ] && printf '%s\\n' "$DIGEST"
"""


def images() -> dict[str, str]:
    """Return the images by variable."""
    return dict(_NAMED.findall(COMPOSE))


def test_every_image_of_others_can_be_pinned() -> None:
    """Each has a tag with a version, behind a variable; the Dockerfile's base is the same one."""
    for service in yaml.safe_load(COMPOSE)["services"].values():
        if "build" not in service:
            assert _NAMED.fullmatch(service["image"]), service["image"]
    for image in images().values():
        assert re.fullmatch(r"[a-z./]+:v?\d[\w.-]*", image), image
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"ARG PYTHON_IMAGE={images()['PYTHON_IMAGE']}\n" in dockerfile
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def pin(tmp_path: Path, digest: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a copy, with a registry that tells this digest."""
    (tmp_path / "deploy").mkdir(exist_ok=True)
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    script = tmp_path / "deploy" / "pin-images.sh"
    script.write_text((ROOT / "deploy/pin-images.sh").read_text())
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(script)],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "DIGEST": digest},
        capture_output=True,
        text=True,
        check=False,
    )


def test_digests_are_written(tmp_path: Path) -> None:
    """The script pins every image, and writes nothing when the registry does not tell a digest."""
    env = tmp_path / "deploy" / "images.env"
    assert pin(tmp_path, "no such image").returncode == 1
    assert not env.exists()
    assert pin(tmp_path, DIGEST).returncode == 0
    assert dict(_PINNED.findall(env.read_text())) == images()


def test_a_file_of_digests_fits_the_tags() -> None:
    """Digests that are kept here belong to the tags that Compose names; mostly none are known."""
    file = ROOT / "deploy" / "images.env"
    if file.exists():
        assert dict(_PINNED.findall(file.read_text())) == images()
