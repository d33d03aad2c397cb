"""Predictor: what ships; raw text in, prediction out, in a folder that nothing has to unpickle."""

from pathlib import Path

from libelle.predictor.answers import (
    Against,
    Answers,
    Candidate,
    Explanation,
    Prediction,
    RollUp,
    Scored,
    WordContribution,
    prediction_row,
)
from libelle.predictor.predictor import Predictor
from libelle.predictor.pyfunc import PyfuncModel

__all__ = [
    "Against",
    "Answers",
    "Candidate",
    "Explanation",
    "Prediction",
    "Predictor",
    "RollUp",
    "Scored",
    "WordContribution",
    "prediction_row",
]


def _load_pyfunc(data_path: str) -> PyfuncModel:
    """Load the model that MLflow stands behind; MLflow looks for this name."""
    return PyfuncModel(Predictor.load(Path(data_path)))
