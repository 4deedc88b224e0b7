"""The wheel that users install, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.built import ROOT, build_wheel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of our sources."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))
