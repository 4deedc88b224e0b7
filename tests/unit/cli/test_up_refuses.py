"""What `roadmap up` refuses before it starts anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("ALLOWED_HOSTS", "*"),
        ("API_HOST", "192.0.2.1"),
    ],
)
def test_open_doors_without_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    """Settings under which strangers would be the admin are a usage error that names what to do."""
    monkeypatch.setenv("ROADMAP_AUTH", "none")
    monkeypatch.setenv(f"ROADMAP_{name}", value)
    folder = tmp_path / "stack"
    refused = CliRunner().invoke(app, ["up", "--data-dir", str(folder), "--port", "0"])
    assert refused.exit_code == 2
    assert "ROADMAP_AUTH=jwt" in refused.output
    assert not folder.exists(), "nothing was begun"
