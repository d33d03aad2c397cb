import pytest

from tests.classifiers.corpus import make_corpus


@pytest.fixture(scope="session")
def corpus():
    return make_corpus()
