"""A small real model behind the real application, and a client that needs no socket."""

from functools import partial

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr

from api.loading import LoadedModel, ModelSource, load_model
from api.main import create_app
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.decision import NO_GUARANTEE
from libelle.predictor import Predictor
from libelle.settings import Settings
from tests.api.keys import ENTRIES

TITLES = {
    "01": ("Voirie", None),
    "0101": ("Chaussée et trottoirs", "01"),
    "0102": ("Éclairage public", "01"),
    "02": ("Enfance", None),
    "0201": ("Crèches", "02"),
    "0202": ("Cantine scolaire", "02"),
    "03": ("État civil", None),
    "0301": ("Actes de naissance", "03"),
    "0302": ("Cartes d'identité", "03"),
}
REQUESTS = {
    "0101": ("Nid de poule", "Trou dans la chaussée", "Trottoir cassé"),
    "0102": ("Lampadaire éteint", "Éclairage en panne", "Ampoule grillée du lampadaire"),
    "0201": ("Place en crèche", "Inscription à la crèche", "Liste d'attente de la crèche"),
    "0202": ("Menu de la cantine", "Facture de cantine", "Inscription à la cantine"),
    "0301": ("Acte de naissance", "Copie d'un acte", "Extrait d'acte de naissance"),
    "0302": ("Carte d'identité perdue", "Renouveler ma carte", "Carte d'identité volée"),
}
PLACES = ("", " rue de la Gare", " quartier Nord")


class Client:
    """Calls an application as a server would, from a test that is not asynchronous."""

    def __init__(self, portal, app) -> None:
        # As a server: a failure of the application is an answer, not an exception of the test.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._portal = portal
        self.app, self.service = app, app.state.service
        self._http = httpx.AsyncClient(transport=transport, base_url="http://libelle.test")

    def get(self, path, **options) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path, **options) -> httpx.Response:
        return self.request("POST", path, **options)

    def request(self, method, path, **options) -> httpx.Response:
        return self._portal.call(partial(self._http.request, method, path, **options))

    def forget_cookies(self) -> None:
        self._http.cookies.clear()

    def predict(self, text, **fields) -> dict:
        response = self.post("/v1/predict", json={"text": text, **fields})
        assert response.status_code == 200, response.text
        return response.json()

    def predict_batch(self, items, **fields) -> list:
        response = self.post("/v1/predict/batch", json={"items": items, **fields})
        assert response.status_code == 200, response.text
        return response.json()["results"]


def make_predictor(guarantee=NO_GUARANTEE, classifier=None) -> Predictor:
    normalizer = Normalizer(NormalizerOptions())
    rows = [
        (normalizer.normalize(request + place), code)
        for code, requests in REQUESTS.items()
        for request in requests
        for place in PLACES
    ]
    texts, codes = zip(*rows, strict=True)
    titles, parents = zip(*TITLES.values(), strict=True)
    return Predictor(
        normalizer=normalizer,
        classifier=(classifier or TfidfClassifier()).fit(texts, codes),
        nomenclature=Nomenclature.from_rows(list(TITLES), titles, parents),
        about={"name": "demo", "metrics": {"test": {"accuracy": 0.9}}, "thresholds": []},
        guarantee=guarantee,
    )


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    return make_predictor().save(tmp_path_factory.mktemp("models") / "demo")


@pytest.fixture(scope="session")
def model(model_folder) -> LoadedModel:
    return load_model(ModelSource(model_folder, version="3"))


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A home whose registry has two models, unlike each other; they lie beside it too."""
    from libelle.tracking.registry import register_model
    from libelle.tracking.runs import default_tracking_uri

    folder = tmp_path_factory.mktemp("following")
    home = folder / "home"
    home.mkdir()
    for number, piece_weight in ((1, 1.0), (2, 0.0)):
        predictor = make_predictor(classifier=TfidfClassifier(piece_weight=piece_weight))
        saved = predictor.save(folder / f"model-{number}")
        register_model(saved, name="demo", tracking_uri=default_tracking_uri(home))
    return home


@pytest.fixture(scope="session")
def portal():
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def settings() -> Settings:
    """The defaults, whatever the environment of the tests says, open to whoever calls."""
    return Settings.model_construct().model_copy(update={"auth": "none"})


@pytest.fixture
def make_client(portal, settings, model):
    """Return a function that starts an application and gives a client of it."""
    contexts = []

    def start(model=model, board=None, **changes) -> Client:
        app = create_app(settings.model_copy(update=changes), model, board=board)
        context = portal.wrap_async_context_manager(app.router.lifespan_context(app))
        context.__enter__()
        contexts.append(context)
        return Client(portal, app)

    yield start
    for context in contexts:
        context.__exit__(None, None, None)


@pytest.fixture
def make_guarded(make_client):
    """Return a function that starts an application that knows the keys of the tests."""

    def start(**changes) -> Client:
        listed = {"auth": "keys", "api_keys": SecretStr("\n".join(ENTRIES.values()))}
        return make_client(**listed | changes)

    return start


@pytest.fixture
def guarded(make_guarded) -> Client:
    """A client of an application that asks for keys."""
    return make_guarded()


@pytest.fixture(scope="session")
def client(portal, model) -> Client:
    app = create_app(Settings.model_construct(auth="none"), model=model)
    with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield Client(portal, app)
