"""The sourced tables: the only room that reads them."""

from emboplan.catalog.load import Catalog, load

__all__ = ["Catalog", "load"]
