"""The tumour that is treated, as far as published goals and limits tell tumours apart."""

from enum import StrEnum


class TumourType(StrEnum):
    """Kinds of liver tumour with rows of their own in published tables.

    ``net``: neuroendocrine metastases; ``hcc``: hepatocellular carcinoma; ``icc``: intrahepatic
    cholangiocarcinoma; ``mcrc``: metastases of colorectal cancer; ``other``: none of these.
    """

    NET = "net"
    HCC = "hcc"
    ICC = "icc"
    MCRC = "mcrc"
    OTHER = "other"
