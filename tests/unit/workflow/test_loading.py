"""Workflows come from a setting or from installed packages; what is wrong stops the program."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import pytest

from api.app import create_app
from cli.workflow_checks import check_workflows, require_workflows
from core.errors import SettingsError
from core.settings import get_settings, load_settings
from workflow import loading
from workflow.loading import load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[3]
HEAD: Final = """\
from pydantic import BaseModel
from roadmap_worker import Context, Workflow
class Ask(BaseModel):
    topic: str
"""
RIGHT: Final = f"""{HEAD}
NAME = Workflow("NAME", request=Ask)
@NAME.step
async def one(ctx: Context) -> str:
    return ""
"""
WRONG: Final = f"""{HEAD}
NAME = Workflow("NAME", request=Ask)
@NAME.step
async def one(ctx: Context, two: str) -> str:
    return ""
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a module, and on request what an installed package tells of it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str, *, entry_point: bool = False) -> str:
        (tmp_path / f"{name}_flows.py").write_text(text.replace("NAME", name))
        if entry_point:
            info = tmp_path / f"{name}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(
                f"[roadmap_worker.workflows]\n{name} = {name}_flows:{name}\n"
            )
        return f"{name}_flows:{name}"

    return write


def test_where_they_come_from(package: Callable[..., str]) -> None:
    """Both ways are one, and what is named twice is there once."""
    first, second = package("alpha", RIGHT), package("beta", RIGHT, entry_point=True)
    assert {each.name for each in load([first, second])} >= {"alpha", "beta"}
    assert {each.name for each in load([])} >= {"beta"}


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        (WRONG, "{}", "ROADMAP_WORKFLOWS: {}: workflow 'gamma', step 'one': the parameter 'two'"),
        ("1 / 0", "{}", "ROADMAP_WORKFLOWS: {}: it cannot be imported: ZeroDivisionError"),
        (RIGHT, "gamma_flows:delta", "'gamma_flows' has no 'delta'"),
        (RIGHT, "gamma_flows", "must be like `mybook.flows:book`"),
        (RIGHT, "gamma_flows:Ask", "it is no `Workflow`, but the class Ask"),
        (f"{HEAD}\ngamma = Workflow('gamma', request=Ask)", "{}", "workflow 'gamma' has no step"),
        (RIGHT.replace("NAME = ", "NAME = other = ").replace('"NAME"', '"toy"'), "{},tests.toy:TOY",
         "there is another workflow called 'toy' already"),
        ("import no_such_thing", "{}", "No module named 'no_such_thing' ("),
        ("import sys; sys.exit('no')", "{}", "it cannot be imported: SystemExit: no"),
        (
            "class Odd(Exception):\n    def __str__(self):\n        1 / 0\nraise Odd",
            "{}",
            "it cannot be imported: Odd: its `__str__` raised ZeroDivisionError",
        ),
        ("raise BaseException('odd')", "{}", "it cannot be imported: BaseException: odd"),
        (RIGHT, "nowhere_flows:gamma", "there is no module 'nowhere_flows'. Install its package"),
        (RIGHT, "gamma_flows:gama", "has no 'gama'. Did you mean gamma_flows:gamma?"),
        (RIGHT, "gamma_flows:one", "`Workflow(...)` gave. Did you mean gamma_flows:gamma?"),
        (RIGHT, "src/gamma_flows.py:gamma", "before the next one. Did you mean gamma_flows:gamma?"),
        (RIGHT, "gamma_flows.py:gamma", "is wanted, without `.py`: `gamma_flows:gamma`."),
        (RIGHT, "{} tests.toy:TOY", "a comma before the next one"),
        (RIGHT, ".gamma_flows:gamma", "must be like `mybook.flows:book`"),
    ],
)  # fmt: skip
def test_what_is_wrong(package: Callable[..., str], text: str, names: str, said: str) -> None:
    """The message names where it was found, the workflow, and the reason."""
    found = package("gamma", text)
    sys.modules.pop("gamma_flows", None)
    with pytest.raises(SettingsError) as raised:
        load(names.format(found).split(","))
    assert said.format(found) in raised.value.message


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("shop:order", " Did you mean shop.deep.flows:order?"),
        ("shop", " Workflows of 'shop': shop.deep.flows:order, shop.deep.flows:parcel."),
        ("shop.flow:order", "no module 'shop.flow'. Did you mean shop.deep.flows:order?"),
        ("shop:bill", "Workflows of 'shop': shop.deep.flows:order, shop.deep.flows:parcel."),
    ],
)
def test_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, said: str
) -> None:
    """A package's modules are read, not run, to say which workflows they hold."""
    folder = tmp_path / "shop" / "deep"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder.parent / "broken.py").write_text("def (")
    (folder / "flows.py").write_text(
        "import roadmap_worker as r\n1 / 0\n"
        "order: r.Workflow = r.Workflow('order')\nif order:\n    parcel = 1\n"
        "parcel = r.Workflow('parcel')\nother = dict()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    with pytest.raises(SettingsError) as raised:
        load([named])
    assert raised.value.message.endswith(said)


def test_what_is_harmless(package: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas too many, spaces, and a workflow named twice do no harm."""
    alpha = package("alpha", RIGHT)
    monkeypatch.setenv("ROADMAP_WORKFLOWS", f" {alpha} ,,{alpha.replace(':', ' : ')}, ")
    assert "alpha" in {each.name for each in load(load_settings().workflows)}


def test_an_installed_package_that_is_wrong(package: Callable[..., str]) -> None:
    """So it does for what a package brings, which it names."""
    package("delta", WRONG, entry_point=True)
    with pytest.raises(SettingsError) as raised:
        load([])
    assert raised.value.message.startswith(
        "delta (entry point 'delta' of roadmap_worker.workflows): workflow 'delta', step 'one': "
    )


def test_every_program_stops(
    package: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program whose workflows are wrong ends at its start with that one sentence."""
    said = "workflow 'omega', step 'one': the parameter 'two'"
    monkeypatch.setenv("ROADMAP_WORKFLOWS", package("omega", WRONG))
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match=said):
        create_app()
    with pytest.raises(SettingsError, match=said):
        require_workflows(load_settings())
    (finding,) = check_workflows(load_settings(), database_url=None)
    assert not finding.ok
    assert said in finding.message
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'clients/python/src'}:{tmp_path}")
    ran = subprocess.run(
        [sys.executable, "-c", "import wiring.worker"],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("roadmap-worker: ")
    assert said in ran.stderr
    get_settings.cache_clear()


def test_an_import_that_hangs_is_told_with_where_it_stands(
    package: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for a package that looks for a server at its import sees that, and its line."""
    monkeypatch.setattr(loading, "SLOW_S", 0.05)
    text = "import loading_told\ndef connect():\n    loading_told.wait(30)\nconnect()\n" + RIGHT
    told: list[str] = []
    heard = threading.Event()
    waited = ModuleType("loading_told")
    vars(waited)["wait"] = heard.wait
    monkeypatch.setitem(sys.modules, "loading_told", waited)

    def tell(message: str) -> None:
        told.append(message)
        heard.set()

    name = package("hangs", text)
    assert [each.name for each in load([name], slow=tell)] == ["hangs"]
    (message,) = told
    assert f"ROADMAP_WORKFLOWS: {name}: it is still being imported" in message
    assert "it stands in `connect` (" in message
    assert "hangs_flows.py:3)" in message
