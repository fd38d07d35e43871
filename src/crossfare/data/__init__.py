"""Load, write and inspect datasets in their published formats."""

from crossfare.data.catalog import CatalogEntry, Published, catalog, published
from crossfare.data.formats import FORMATS, Format
from crossfare.data.inspection import Inspection, InspectionTable, inspect, tabulate
from crossfare.data.loaded import Loaded, LoadReport, LostAnswer, Repair
from crossfare.data.loading import load, save

__all__ = [
    "FORMATS",
    "CatalogEntry",
    "Format",
    "Inspection",
    "InspectionTable",
    "LoadReport",
    "Loaded",
    "LostAnswer",
    "Published",
    "Repair",
    "catalog",
    "inspect",
    "load",
    "published",
    "save",
    "tabulate",
]
