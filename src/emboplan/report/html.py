"""A document as one HTML file that needs nothing else: styles and pictures inside, no script, no address.

Every text passes through escaping, so that a patient's identifier or a file name cannot become markup; the
page's own policy forbids scripts and anything fetched from elsewhere.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from emboplan.report.document import Block, Document
from emboplan.report.figures import Picture

TEMPLATE = "report.html.j2"
STYLES = "report.css"
SHORT_TABLE_ROWS = 16  # a table of up to a third of a page is kept on one page
CROWDED_COLUMNS = 8  # from here on, words of usual size do not fit side by side on paper


def render(document: Document) -> str:
    """The document as HTML; the same document gives the same text."""
    page: str = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            document=document,
            css=Markup(_package_text(STYLES)),  # noqa: S704  own file
            kind_of=_kind_of,
            drawn=_drawn,
            short_table=SHORT_TABLE_ROWS,
            crowded_columns=CROWDED_COLUMNS,
        )
    )
    return page + "\n"


@cache
def _environment() -> Environment:
    loader = DictLoader({TEMPLATE: _package_text(TEMPLATE)})
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=False)


def _package_text(name: str) -> str:
    return files("emboplan.report").joinpath("templates", name).read_text(encoding="utf-8")


def _kind_of(block: Block) -> str:
    return type(block).__name__


def _drawn(picture: Picture) -> Markup:
    """The picture inside the page: a drawing as SVG, an image as a data address."""
    if picture.media_type == "image/svg+xml":
        text = picture.content.decode("utf-8")
        start = text.index("<svg") + len(
            "<svg"
        )  # what comes before declares an XML file, and this is a part of a page
        label = Markup(' role="img" aria-label="{}"').format(picture.alt)
        inside = _own_names(text[start:], picture.name)
        return Markup("<svg{}{}").format(label, Markup(inside))  # noqa: S704  drawn by us
    encoded = base64.b64encode(picture.content).decode("ascii")
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(
        picture.media_type, encoded, escape(picture.alt)
    )


def _own_names(svg: str, name: str) -> str:
    """The drawing with its identifiers made its own: a page of several drawings has each name once."""
    stem = name.partition(".")[0]
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{stem}-", svg)
