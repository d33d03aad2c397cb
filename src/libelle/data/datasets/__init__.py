"""Datasets: coded texts, read from anywhere, checked, and cut for learning and proving."""

from libelle.data.datasets.check import DatasetReport, check_dataset
from libelle.data.datasets.columns import ColumnGuess, ColumnSketch, guess_columns, list_columns
from libelle.data.datasets.dataset import Dataset, read_dataset
from libelle.data.datasets.examples import Source, is_example, read_source
from libelle.data.datasets.folds import make_folds
from libelle.data.datasets.split import Split, split_dataset
from libelle.data.datasets.tables import Table, as_text, open_table, read_table_batches

__all__ = [
    "ColumnGuess",
    "ColumnSketch",
    "Dataset",
    "DatasetReport",
    "Source",
    "Split",
    "Table",
    "as_text",
    "check_dataset",
    "guess_columns",
    "is_example",
    "list_columns",
    "make_folds",
    "open_table",
    "read_dataset",
    "read_source",
    "read_table_batches",
    "split_dataset",
]
