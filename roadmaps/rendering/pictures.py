"""Pictures in rendered texts: links, and shown where the setting `image_hosts` has their host.

HTML is stored with links, which are right under every setting. What is shown is decided each time a
text is read, so a changed setting holds for all texts at once and nothing is rendered anew.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final

from core.picture_hosts import shows
from roadmaps.rendering.rules import PICTURE

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINK: Final = re.compile(rf'(<a href="([^"<>]*)" class="{PICTURE}"[^<>]*>)([^<>]*)</a>')
"""As the sanitiser writes it: whatever looks otherwise stays a link."""


def with_pictures(html: str, hosts: Sequence[str]) -> str:
    """Return a text's HTML with the pictures of these hosts, each a link to its address."""
    if not hosts:
        return html
    return _LINK.sub(lambda found: _shown(found, hosts), html)


def _shown(found: re.Match[str], hosts: Sequence[str]) -> str:
    link, address, words = found.groups()
    if not shows(unescape(address), hosts):
        return found[0]
    # the words stand escaped between tags, and there a quote may stand as it is
    alt = words.replace('"', "&quot;")
    return (
        f'{link}<img src="{address}" alt="{alt}" loading="lazy" decoding="async"'
        ' referrerpolicy="no-referrer"></a>'
    )
