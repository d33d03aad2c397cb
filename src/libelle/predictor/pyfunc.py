"""Pyfunc: the predictor as MLflow's own tools know it, for `mlflow models serve` and Spark."""

from collections.abc import Mapping
from typing import Any

from libelle.predictor.answers import ROW_COLUMNS, prediction_row
from libelle.predictor.predictor import Predictor


class PyfuncModel:
    """A predictor behind MLflow: a table with a column `text` in, a table out."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Answer each row of a DataFrame; a missing text is empty, `params` may hold `top_k`."""
        import pandas as pd

        column = model_input["text"]
        texts = [
            "" if missing else str(text)
            for text, missing in zip(column, column.isna(), strict=True)
        ]
        top_k = int((params or {}).get("top_k", 5))
        predictions = self._predictor.predict(texts, top_k=top_k)
        rows = [prediction_row(prediction) for prediction in predictions]
        return pd.DataFrame(rows, columns=ROW_COLUMNS)
