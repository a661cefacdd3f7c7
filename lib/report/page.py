"""A run as one HTML file: all it needs is inside, and nothing can be asked for from outside.

The content security policy allows the two scripts by their hashes, inline styles, and nothing else:
no request can leave. What a person or the exchange named (bots, symbols, sections) reaches the
page as JSON and becomes text there, never markup.
"""

import base64
import hashlib
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

import orjson

FOLDER: Final = Path(__file__).parent / "page"
LIBRARY: Final = "lightweight-charts/lightweight-charts.standalone.production.js"
NOTICE: Final = "lightweight-charts/NOTICE"
SCRIPTS: Final = ("words.js", "charts.js", "market.js", "tables.js", "trades.js", "page.js")
POLICY: Final = "; ".join((
    *("default-src 'none'", "script-src $hashes", "style-src 'unsafe-inline'"),
    *("base-uri 'none'", "form-action 'none'"),
))


def page(view: dict[str, Any], *, title: str) -> str:
    """Write the page that shows a view (lib/report/view.py)."""
    library, own = _text(LIBRARY), _own_script()
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in (library, own))
    return Template(_text("page.html")).substitute(
        policy=escape(Template(POLICY).substitute(hashes=hashes), quote=True),
        title=escape(title),
        style=_text("page.css"),
        view=_inert(view),
        library=library,
        script=own,
        notice=escape(_text(NOTICE)),
    )


def _own_script() -> str:
    """Put our own scripts together, so that none of their names is anybody else's."""
    parts = "\n".join(_text(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def _inert(view: dict[str, Any]) -> str:
    """Write JSON that cannot end the element it stands in, nor begin another."""
    return orjson.dumps(view).decode().replace("&", "\\u0026").replace("<", "\\u003c")


def _hash(script: str) -> str:
    assert "</script" not in script.lower(), "it would end its own element"
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
