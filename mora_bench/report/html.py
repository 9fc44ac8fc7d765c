"""Pages for a browser: no network, no library, everything that comes from a file escaped."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mora_bench.text import visible

if TYPE_CHECKING:
    from jinja2 import Environment

WEB = Path(__file__).with_name("web")


def rendered(template: str, **values: Any) -> bytes:
    """A page made from a template of `web/`, in which page.css stands as `style`."""
    style = (WEB / "page.css").read_text()
    return _environment().get_template(template).render(style=style, **values).encode()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, finalize=_shown)


def _shown(value: Any) -> Any:
    """A value as a page shows it; our markup is a text of another type."""
    return visible(value) if type(value) is str else value
