"""The sheets as one HTML file that needs nothing else, made for paper: one session is one sheet.

Each session begins on a page of its own; what is to be asked and where the figures come from stands on the
back. Every text passes through escaping.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from emboplan.report.sheets.values import SheetSet

TEMPLATE, STYLES = "loading.html.j2", "loading.css"


def render_sheets(sheets: SheetSet) -> str:
    """The sheets as HTML; the same sheets give the same text."""
    template = _environment().get_template(TEMPLATE)
    css = Markup(_package_text(STYLES))  # noqa: S704  own file
    return template.render(sheets=sheets, css=css) + "\n"


@cache
def _environment() -> Environment:
    loader = DictLoader({TEMPLATE: _package_text(TEMPLATE)})
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _package_text(name: str) -> str:
    return files("emboplan.report").joinpath("templates", name).read_text(encoding="utf-8")
