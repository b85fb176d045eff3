"""The HTML report as PDF, where WeasyPrint and its Pango library are installed.

Without them there is no PDF and the plan says how to get one; the HTML holds the same. The PDF is made from
the page alone: nothing is fetched, from the disk or from elsewhere, and neither a clock nor chance enters it.
"""

from __future__ import annotations

import hashlib
from functools import cache

from emboplan.errors import EmboplanError

HOW_TO_GET_IT = (
    "install WeasyPrint (pip install 'emboplan[pdf]') and Pango (Debian and Ubuntu: apt-get install "
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install pango)"
)
IDENTIFIER_BYTES = 16  # the length that the PDF standard proposes for a file identifier


class PdfUnavailableError(EmboplanError):
    """No PDF can be made on this machine; the message says what is missing and how to get it."""


@cache
def availability() -> str | None:
    """None where a PDF can be made, otherwise what is missing and how to get it."""
    try:
        import weasyprint
    except ImportError:
        return f"WeasyPrint is not installed; {HOW_TO_GET_IT}"
    except OSError:
        return f"WeasyPrint does not find the Pango library; {HOW_TO_GET_IT}"
    if not hasattr(weasyprint, "URLFetcher"):  # came with version 68
        return f"WeasyPrint {weasyprint.__version__} is too old; {HOW_TO_GET_IT}"
    return None


def render_pdf(html: str) -> bytes:
    """The page as an A4 PDF with tags for screen readers; the same page gives the same bytes.

    Raises:
        PdfUnavailableError: WeasyPrint or Pango is missing.
    """
    missing = availability()
    if missing is not None:
        raise PdfUnavailableError(missing)
    import weasyprint

    identifier = hashlib.sha256(html.encode("utf-8")).digest()[:IDENTIFIER_BYTES]
    offline = weasyprint.URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    document = weasyprint.HTML(string=html, url_fetcher=offline)
    content: bytes = document.write_pdf(pdf_identifier=identifier, pdf_tags=True)
    return content
