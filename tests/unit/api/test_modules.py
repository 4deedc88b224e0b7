"""A page's modules are put together as one, in the order in which a browser would run them."""

from __future__ import annotations

import subprocess

import pytest

from api.modules import Bundler, UnknownFormError
from api.pages import FOLDER, assets
from api.tight import tight
from tests.system_packages import need_program

MODULES = {
    "pages/a.js": 'import { b, big as B } from "../lib/b.js";\nimport { c } from "../lib/c.js";\n'
    "console.log(b(), B, c);\n",
    "lib/b.js": '/** What b is. */\nimport { c } from "./c.js";\nexport { big };\n'
    "const big = 7;\nexport function b() {\n  // it is c\n  return `${c} of b`;\n}\n",
    "lib/c.js": 'export const c = await Promise.resolve("c");\nconst mine = 1;\n',
}


def run(source: str) -> str:
    """Run a module in Node and return what it prints."""
    node = need_program("node", package="nodejs")
    command = [node, "--input-type=module", "-e", source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_modules_together_do_what_they_do_apart() -> None:
    """Names of one module are not seen by another; what waits is waited for; each runs once."""
    together = Bundler(MODULES).bundle("pages/a.js")
    assert run(together) == "c of b 7 c"
    assert "What b is" not in together


def test_a_module_of_many_pages_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page that somebody asks for waits until all of them are put together."""
    seen: list[str] = []

    def noted(source: str) -> str:
        seen.append(source)
        return source

    monkeypatch.setattr("api.modules.tight", noted)
    bundler = Bundler({**MODULES, "pages/other.js": MODULES["pages/a.js"]})
    assert bundler.bundle("pages/a.js") != bundler.bundle("pages/other.js")
    assert len(seen) == len(MODULES) + 1


def test_what_is_fetched_later_shares_the_modules_of_the_page() -> None:
    """A module that both import is run once, and what one of them keeps in it the other finds."""
    modules = {
        "pages/a.js": 'import { kept } from "../lib/kept.js";\nkept.push("page");\n',
        "views/b.js": 'import { kept } from "../lib/kept.js";\nconsole.log(kept.join());\n',
        "lib/kept.js": 'export const kept = ["once"];\n',
    }
    page, view = (Bundler(modules).bundle(entry) for entry in ("pages/a.js", "views/b.js"))
    newer = Bundler({**modules, "lib/kept.js": 'export const kept = ["new"];\n'}).bundle(
        "views/b.js"
    )
    assert run(f"{{{page}}}{{{view}}}{{{newer}}}") == "once,page\nnew"


SCRIPT = r"""
/* a remark // with another */
const quoted = "// no remark", other = '/* nor this "one" */';  // "but this"
const pattern = /[/"'`]\/+ {2}/g, half = 9 / 3 / 1; // three
const made = `a  b ${ [1, 2].map((each) => `${ each + +1 } ${"}"}`).join(" - ") }  // text
  stays ${ { one: `  }` }.one }`;
let counted = 1
let after = counted++
;[counted, after] = [after - -counted, counted+ ++after]
function sum (a, b) {
  return (
    a /* first */ + b // second
  )
}
const tested = (text) => /^ *\d  x$/.test(text) && typeof text in { string: 1 }
class Box { #inside = 1; get inside () { return this.#inside }
  static is(it) { return #inside in it } }
console.log(quoted, other, "a/\"  b".replace(pattern, "-"), half, made, counted, after, sum(1, 2),
  tested(" 1  x"), new Box().inside, Box.is(new Box()), [..."ab"].length ? "yes" : "no")
"""


def test_a_script_does_the_same_in_fewer_bytes() -> None:
    """Remarks and spaces go; texts, patterns and ends of statements stay what they are."""
    small = tight(SCRIPT)
    assert run(small) == run(SCRIPT)
    assert "remark //" not in small
    assert "first" not in small
    assert len(small) < 0.9 * len(SCRIPT)


@pytest.mark.parametrize(
    "source",
    [
        'export * from "./c.js";\n',
        'import everything from "./c.js";\n',
        'import "./c.js";\n',
        "export default 1;\n",
        'import { a } from "../pages/a.js";\n',
    ],
)
def test_what_cannot_be_put_together_is_refused(source: str) -> None:
    """A form that is not known, and a circle, stop the process instead of breaking a page."""
    with pytest.raises(UnknownFormError):
        Bundler({**MODULES, "lib/b.js": source}).bundle("pages/a.js")


def test_every_page_is_one_module() -> None:
    """Each page has its module and its styles whole, and neither asks for more of the folder."""
    files = assets().files
    for page in FOLDER.glob("pages/*.js"):
        script = files[f"pages/{page.stem}.all.js"].body.decode()
        assert "\nimport {" not in script
        assert files[f"css/{page.stem}.all.css"].body
