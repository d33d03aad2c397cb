"""What every error promises: it crosses processes, so that a worker's complaint is read."""

import pickle
from inspect import isclass

import pytest

from libelle import errors
from libelle.errors import LibelleError, MissingPackageError

CLASSES = [
    kind for kind in vars(errors).values() if isclass(kind) and issubclass(kind, LibelleError)
]


def make(kind):
    if kind is MissingPackageError:
        return kind("fasttext-community", extra="train", purpose="A fastText classifier")
    return kind("What happened. What to do.")


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_crosses_processes_whole(kind):
    error = make(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
