"""`roadmap samples`: where the files for deploying are, or a copy of them."""

import shutil
import sysconfig
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.arguments import JsonOption
from cli.console import emit, emit_json
from cli.exits import EPILOG, usage

app = typer.Typer()

_CLONE: Final = Path(__file__).parents[1]
_INSTALLED: Final = Path("share", "roadmap-worker")
"""Below the environment's folder: see data-files in pyproject.toml."""


@app.command(epilog=EPILOG)
def samples(
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            help="Copy them here, into a folder that is not there yet.",
            show_default="nothing is copied, they are listed",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say where samples for Compose, Kubernetes, nginx, Prometheus and Grafana are, or copy them.

    They came with the package: `docker-compose.yml`, `Dockerfile` and the folder `deploy`.
    """
    folder = find_samples()
    if to is not None:
        folder = _copied(folder, to.expanduser().absolute())
    names = sorted(str(path.relative_to(folder)) for path in _files(folder))
    if json:
        emit_json({"folder": str(folder), "files": names})
    else:
        emit("\n".join([str(folder), *(f"  {name}" for name in names)]))


def find_samples() -> Path:
    """Return the folder with the samples: a clone's, or the one that pip has put them into.

    Raises:
        CommandError: They were installed without their data files.
    """
    beside = _CLONE / "deploy"
    if beside.is_dir() and (_CLONE / "pyproject.toml").is_file():
        return _CLONE
    # an environment's, or where `pip install --target` or `--user` has put our packages
    for base in (Path(sysconfig.get_path("data")), _CLONE, *_CLONE.parents):
        if (base / _INSTALLED / "deploy").is_dir():
            return base / _INSTALLED
    raise usage("The samples were not installed; they are in the source distribution.")


def _files(folder: Path) -> list[Path]:
    names = ("docker-compose.yml", "Dockerfile")
    found = [folder / name for name in names] + list((folder / "deploy").iterdir())
    return [path for path in found if path.is_file()]


def _copied(folder: Path, to: Path) -> Path:
    try:
        to.mkdir(parents=True)
        (to / "deploy").mkdir()
        for path in _files(folder):
            shutil.copy(path, to / path.relative_to(folder))
    except FileExistsError:
        raise usage(f"{to} is there already; name a folder that is not.") from None
    except OSError as error:
        raise usage(f"Cannot copy to {to}: {error.strerror}.") from None
    return to
