"""Pictures in texts are shown from hosts that the operator named, and from nobody else."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.headers import page_policy
from core.picture_hosts import shows
from core.settings import Settings
from roadmaps.rendering.markdown import to_html
from roadmaps.rendering.pictures import with_pictures

OURS: Final = ("ok.example", ".all.example", "cdn.example:8443")


@pytest.mark.parametrize(
    "address",
    [
        "https://ok.example/kite.png?a=1&b=2#c",
        "HTTPS://OK.Example:443/kite.png",
        "https://ok.example",
        "https://one.all.example/kite.png",
        "https://two.one.all.example/@other/kite.png",
        "https://cdn.example:8443/kite.png",
    ],
)
def test_pictures_of_named_hosts_are_shown(address: str) -> None:
    """Such a picture is shown within its link, is loaded when seen, and tells no referrer."""
    html = with_pictures(to_html(f'![a "red" *kite* <b>]({address})'), OURS)
    assert 'alt="a &quot;red&quot; kite &lt;b&gt;"' in html
    assert 'loading="lazy"' in html
    assert 'referrerpolicy="no-referrer"' in html
    assert html.count("<img ") == html.count('<a href="') == 1
    assert with_pictures(to_html(f"![a kite]({address})"), ()).count("<img") == 0


@pytest.mark.parametrize(
    "address",
    [
        "http://ok.example/kite.png",
        "//ok.example/kite.png",
        "https:ok.example/kite.png",
        "https:/ok.example/kite.png",
        "https:///ok.example/kite.png",
        "https:\\\\ok.example/kite.png",
        "https://ok.example@evil.example/kite.png",
        "https://user:secret@ok.example/kite.png",
        "https://ok.example:pass@evil.example/",
        "https://evil.example\\@ok.example/",
        "https://ok.example\\.evil.example/",
        "https://evil.example#@ok.example/",
        "https://evil.example?ok.example/",
        "https://evil.example/https://ok.example/",
        "https://ok.example.evil.example/",
        "https://ok.example./kite.png",
        "https://evil-ok.example/",
        "https://evilok.example/",
        "https://all.example/kite.png",
        "https://notall.example/kite.png",
        "https://.all.example/",
        "https://ok.example:8443/",
        "https://cdn.example/",
        "https://ok.example:443:444/",
        "https://ok.example%2eevil.example/",
        "https://ok%2eexample/",
        "https://\u043ek.example/kite.png",
        "https://ok\u3002example/kite.png",
        "https://ok.exam\u00adple/kite.png",
        "https://ok.example\t.evil.example/",
        "&#104;ttps://ok.example@evil.example/",
        "data:image/png;base64,AAAA",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "javascript:alert(1)//https://ok.example/",
        "blob:https://ok.example/1",
        "mailto:kite@ok.example",
    ],
)
def test_no_other_picture_is_shown(address: str) -> None:
    """Other schemes, credentials, ports, and names that only look alike are links or text."""
    assert not shows(address, ("ok.example", ".all.example", "cdn.example:8443"))
    for markdown in (f"![a]({address})", f"![a](<{address}>)", f"![a][1]\n\n[1]: {address}"):
        html = with_pictures(to_html(markdown), OURS)
        # whatever the parser makes of it, only an address of these hosts is loaded
        for part in html.split('<img src="')[1:]:
            found = urlsplit(part.split('"')[0])
            assert (found.scheme, found.netloc) == ("https", "ok.example")
            assert "%" not in found.netloc


def test_nobody_writes_a_picture_by_other_means() -> None:
    """Raw HTML, a link's words and code never become a picture."""
    for markdown in (
        '<img src="https://ok.example/x">',
        '<a href="https://ok.example/x" class="picture">x</a>',
        '`<a href="https://ok.example/x" class="picture">x</a>`',
        "[x](https://ok.example/x)",
        '[x](https://ok.example/x "picture")',
        "https://ok.example/x",
    ):
        assert "<img" not in with_pictures(to_html(markdown), OURS)


@given(st.text(alphabet='https:/ok.example@\\?#[]()<>!"&; \t', max_size=60))
def test_no_text_leads_elsewhere(text: str) -> None:
    """However an address is put together, what is loaded is of a host that was named."""
    for part in with_pictures(to_html(f"![a](https://{text})"), OURS).split('<img src="')[1:]:
        assert urlsplit(part.split('"')[0]).netloc.lower() in {"ok.example", "ok.example:443"}


def test_the_policy_of_pages_names_the_same_hosts() -> None:
    """What the renderer shows the browser may load, and nothing else."""
    assert b"img-src 'self';" in page_policy(())
    named = b"img-src 'self' https://ok.example https://*.all.example https://cdn.example:8443;"
    assert named in page_policy(OURS)


@pytest.mark.parametrize(
    "host",
    [
        *("https://ok.example", "ok.example/x", "*", "*.ok.example", ".example", "localhost", "-"),
        *("ok .example", "ok.example; script-src *", "a@ok.example", "ok..example"),
        *("\u043e\u043a.example", "ok.example:0"),
    ],
)
def test_what_is_no_host_is_refused_at_the_start(host: str) -> None:
    """The setting takes plain names only, so that it says the same in a policy."""
    with pytest.raises(ValueError, match="is no host of pictures"):
        Settings(image_hosts=f"fine.example,{host}", _env_file=None)
    assert Settings(image_hosts="Fine.example", _env_file=None).image_hosts == ("fine.example",)
