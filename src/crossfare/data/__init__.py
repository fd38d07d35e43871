"""Load, write and inspect datasets in their published formats."""

from crossfare.data import collection
from crossfare.data.catalog import CatalogEntry, Published, catalog, published
from crossfare.data.collection import Collection
from crossfare.data.formats import FORMATS, Format
from crossfare.data.inspection import Inspection, InspectionTable, inspect, tabulate
from crossfare.data.loaded import Loaded, LoadReport, LostAnswer, RankingReport, Repair
from crossfare.data.loading import load, recognise, same_format, save
from crossfare.data.ranking import passages
from crossfare.data.sources import write_queries
from crossfare.data.trec import read_qrels, read_run, write_qrels, write_run

__all__ = [
    "FORMATS",
    "CatalogEntry",
    "Collection",
    "Format",
    "Inspection",
    "InspectionTable",
    "LoadReport",
    "Loaded",
    "LostAnswer",
    "Published",
    "RankingReport",
    "Repair",
    "catalog",
    "collection",
    "inspect",
    "load",
    "passages",
    "published",
    "read_qrels",
    "read_run",
    "recognise",
    "same_format",
    "save",
    "tabulate",
    "write_qrels",
    "write_queries",
    "write_run",
]
