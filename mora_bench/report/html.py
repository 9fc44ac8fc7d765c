"""Pages for a browser: no network, no library, everything that comes from a file escaped."""

from pathlib import Path
from typing import Any

from mora_bench.text import visible

WEB = Path(__file__).with_name("web")


def rendered(template: str, **values: Any) -> bytes:
    """A page made from a template of `web/`, in which page.css stands as `style`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, finalize=_shown)
    style = (WEB / "page.css").read_text()
    return environment.get_template(template).render(style=style, **values).encode()


def _shown(value: Any) -> Any:
    """A value as a page shows it; our markup is a text of another type."""
    return visible(value) if type(value) is str else value
