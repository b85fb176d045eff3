"""The page: self-contained, escaped, accessible, the same twice."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.report.conftest import MakePlanned

from emboplan.model.plan import Plan, PlannedCase
from emboplan.report.compose import compose
from emboplan.report.figures import Picture
from emboplan.report.html import render
from emboplan.report.pdf import PdfUnavailableError, availability, render_pdf

MARGIN_PX = 15 / 25.4 * 96  # of the page, right

HOSTILE = '<script>alert("x")</script>&\'"'


class _Page(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._hidden:
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def page(planned: PlannedCase[Any], pictures: tuple[Picture, ...]) -> str:
    return render(compose(planned.plan, pictures))


def test_first_visible_line_is_the_status(page: str) -> None:
    assert (
        _Page(page).texts[0]
        == "PROVISIONAL: contours by the built-in segmentation, not confirmed by a reader"
    )
    assert _Page(page).texts[1].startswith("Research software, not a medical device")


def test_page_needs_nothing_else(page: str) -> None:
    """No script, no address but those inside the page."""
    for tag, attributes in _Page(page).tags:
        assert tag not in ("script", "link", "iframe", "object", "embed")
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:"))
    assert not re.search(r"url\((?!#)", page)


def test_hostile_texts_stay_texts(make: MakePlanned) -> None:
    """An identifier and a reader's name with markup in them."""
    page = render(compose(make(patient_id=HOSTILE, confirmed_by=HOSTILE).plan, ()))
    assert "<script" not in page
    assert HOSTILE in _Page(page).texts
    assert f"Contours confirmed by {HOSTILE}" == _Page(page).texts[0]


def test_hostile_picture_texts_stay_texts(planned: PlannedCase[Any]) -> None:
    drawing = Picture("x.svg", HOSTILE, HOSTILE, b"<?xml?><svg></svg>")
    image = Picture("x.png", HOSTILE, HOSTILE, b"png")
    page = render(compose(planned.plan, (drawing, image)))
    assert "<script" not in page
    assert HOSTILE in [attributes.get("alt") for _, attributes in _Page(page).tags]


def test_page_can_be_read_aloud(page: str) -> None:
    """A language, texts for all pictures, scopes for all headers, one main title."""
    tags = _Page(page).tags
    assert dict(tags)["html"] == {"lang": "en"}
    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")
    assert all(attributes.get("aria-label") for tag, attributes in tags if tag == "svg")
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in tags if tag == "th")
    assert sum(tag == "h1" for tag, _ in tags) == 1
    ids = [attributes["id"] for tag, attributes in tags if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_links_have_their_targets(page: str) -> None:
    tags = _Page(page).tags
    ids = {attributes.get("id") for _, attributes in tags}
    targets = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert targets
    assert all(target is not None and target[1:] in ids for target in targets)


def test_page_is_the_same_twice(planned: PlannedCase[Any], pictures: tuple[Picture, ...], page: str) -> None:
    assert page == render(compose(planned.plan, pictures))


def test_page_is_small_enough_to_send(page: str) -> None:
    assert len(page.encode()) < 4_000_000


def _require_pdf() -> None:
    missing = availability()
    if missing is not None:
        pytest.skip(missing)


def test_pdf_is_the_same_twice_and_holds_the_text(page: str) -> None:
    _require_pdf()
    import io

    from pypdf import PdfReader

    first = render_pdf(page)
    assert first == render_pdf(page)
    reader = PdfReader(io.BytesIO(first))
    text = " ".join(reader.pages[0].extract_text().split())
    assert text.startswith("PROVISIONAL: contours by the built-in segmentation")
    assert f"page 1 of {len(reader.pages)}" in text
    assert tuple(round(float(side)) for side in reader.pages[0].mediabox[2:]) == (595, 842)


def _beyond_the_paper(page: str) -> list[str]:
    """Texts that end right of the text area of their A4 page."""
    import weasyprint
    from weasyprint.formatting_structure.boxes import TextBox

    found = []
    for sheet in weasyprint.HTML(string=page).render().pages:
        right = sheet.width - MARGIN_PX + 1
        area = next(iter(sheet._page_box.children))
        texts = [box for box in area.descendants() if isinstance(box, TextBox)]
        found += [box.text for box in texts if box.position_x + box.width > right]
    return found


def test_pdf_cuts_nothing_off(planned: PlannedCase[Any], rich: Plan) -> None:
    """Tables of many columns fit on paper, with the numbers of a large liver with much tumour."""
    _require_pdf()
    burden = planned.plan.burden
    assert burden is not None
    lesions = tuple(
        replace(
            lesion, volume_ml=1234.5, volume_ml_interval=(1011.0, 1399.0), viable_ml=1021.0,
            viable_longest_mm=191.8, viable_perpendicular_mm=165.2, enhancement_hu=-127.0, slice_mm=-1144.5,
        )
        for lesion in burden.lesions
    )  # fmt: skip
    large = replace(planned.plan, burden=replace(burden, lesions=lesions))
    assert _beyond_the_paper(render(compose(large, ()))) == []
    assert _beyond_the_paper(render(compose(rich, ()))) == []
    assert _beyond_the_paper("<pre>" + 200 * "x" + "</pre>") != []  # what is cut off is seen


def test_pdf_fetches_nothing() -> None:
    """An address outside the page is an error, not a request."""
    _require_pdf()
    from weasyprint.urls import FatalURLFetchingError

    with pytest.raises(FatalURLFetchingError, match=r"file:///etc/hostname"):
        render_pdf('<img src="file:///etc/hostname">')


def test_without_pango_the_pdf_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emboplan.report.pdf.availability", lambda: "Pango is missing; install it")
    with pytest.raises(PdfUnavailableError, match="Pango is missing; install it"):
        render_pdf("<p>x</p>")
