"""Check: what coded texts are like, before anything is learnt from them."""

from typing import Annotated

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Code, Data, Json, NomenclatureFile, Text
from libelle.errors import UsageError
from libelle.settings import read_settings


def check(
    data: Data,
    text: Text = None,
    code: Code = None,
    nomenclature: NomenclatureFile = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds that rare codes are counted for.")] = 5,
    json: Json = False,
) -> None:
    """Check coded texts; without columns, list them and guess the command.

    Example: `libelle check requests.csv --text request --code theme --nomenclature themes.csv`
    """
    from libelle.data.datasets import check_dataset, guess_columns, is_example
    from libelle.data.nomenclature import read_nomenclature

    options = read_settings().storage_options()
    if text is None and code is None and not is_example(data):
        guess = guess_columns(data, options=options)
        print_json(guess.to_dict()) if json else print_lines(guess.lines())
        return
    if (text is None or code is None) and not is_example(data):
        raise UsageError("Give both --text and --code, or neither to have the columns listed.")
    known = read_nomenclature(nomenclature, options) if nomenclature else None
    report = check_dataset(
        data, text=text, code=code, nomenclature=known, n_folds=folds, options=options
    )
    print_json(report.to_dict()) if json else print_lines(report.lines())
