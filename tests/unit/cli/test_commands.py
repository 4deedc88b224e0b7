"""The client commands against a scripted API: exit codes, JSON, discovery, disconnects."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from cli import follow
from cli.data_dir import DataDir
from core.tokens import mint_token, verify_token
from tests.unit.cli.conftest import ROADMAP, TASK, FakeApi, make_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Roadmap = Callable[..., Result]

SECRET = "s" * 32
