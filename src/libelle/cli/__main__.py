"""Command line as a module: `python -m libelle.cli`."""

from libelle.cli import main

main()
