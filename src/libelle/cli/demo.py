"""Demo: a corpus written by libelle itself, and the whole journey on it."""

import hashlib
import json
import secrets
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import SecretStr

from libelle.cli.beside import dashboard_beside, free_port, reachable, refuse_busy_ports
from libelle.cli.console import print_lines, say
from libelle.cli.recording import read_log_options, recording
from libelle.cli.registering import tracking_uri
from libelle.cli.train import describe, run_training
from libelle.errors import LibelleError, UsageError
from libelle.monitoring.prediction_log import LogOptions
from libelle.monitoring.privacy import TextPolicy
from libelle.monitoring.recording import DEMONSTRATION
from libelle.predictor import Answers
from libelle.settings import ENV_FILE, Settings, read_settings
from libelle.storage import write_atomically

if TYPE_CHECKING:
    from libelle.data.demo import TrafficText
    from libelle.monitoring.recording import Recorder

app = typer.Typer(no_args_is_help=True, help="A demonstration on synthetic texts.")

DEMO_TRIALS, DEMO_FOLDS = 12, 5
JOURNEYS = "journeys.json"
TRAFFIC_CHUNK = 500


@app.command("data")
def write_data(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV to write.")],
    seed: Annotated[int, typer.Option(help="Seed of the generator.")] = 0,
    texts: Annotated[int, typer.Option(min=100, help="Texts to write.")] = 8_000,
) -> None:
    """Write the demonstration corpus, and its nomenclature beside it.

    Example: `libelle demo data demo.csv`
    """
    from libelle.data.demo import SYNTHETIC_NOTICE, write_demo

    write_demo(file, seed=seed, n_texts=texts)
    nomenclature = file.with_name(f"{file.stem}-nomenclature.csv")
    print_lines([f"{texts:,} texts in {file}, their nomenclature in {nomenclature}."])
    say(SYNTHETIC_NOTICE)


@app.command("run")
def run(
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="Coded texts; made-up ones if absent.")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="COL", help="Column of the texts.")] = None,
    code: Annotated[str | None, typer.Option(metavar="COL", help="Column of the codes.")] = None,
    serve: Annotated[bool, typer.Option(help="Start the API and the dashboard at the end.")] = True,
) -> None:
    """Check, train, register and serve, in one go; what exists is used again.

    Example: `libelle demo run requests.csv --text request --code theme`
    """
    settings = read_settings()
    if serve:
        settings = _guarded(settings)
        refuse_busy_ports(settings)
    say_destinations(settings)
    if data is None:
        summary = _journey(settings, *_demo_corpus(settings))
    elif text is None or code is None:
        raise UsageError(
            f"Which columns of {data}? Give TEXT=col CODE=col; `libelle check {data}` lists them."
        )
    else:
        summary = _journey(settings, data, text, code, None)
    if serve:
        settings = settings.model_copy(update={"model": summary["model_uri"]})
        settings = measured(logged(settings, is_demo=data is None))
        if data is None:
            _fill_empty_log(settings)
    screen = ["", *describe(summary), *_last_screen(settings, data)]
    if not serve:
        print_lines(screen)
        return
    from api.serving import serve as serve_http

    with dashboard_beside(settings):
        print_lines(screen)
        sys.stdout.flush()
        serve_http(settings)


def logged(settings: Settings, *, is_demo: bool) -> Settings:
    """Log predictions, here unless the settings say where, under a key of its own.

    The texts of the demonstration are kept, since nobody wrote them. What a model of one's own
    answers never goes where made-up requests are.
    """
    changes: dict[str, Any] = {}
    if settings.log_uri is None and is_demo:
        changes |= {"log_uri": str(settings.home / "log"), "made_up": True}
        if "text_policy" not in settings.model_fields_set:
            say("Texts are kept in the log (LIBELLE_TEXT_POLICY=full): these are synthetic.")
            changes["text_policy"] = TextPolicy.FULL
    elif settings.log_uri is None:
        name = settings.model.removeprefix("models:/").rpartition("/")[0]
        changes["log_uri"] = str(settings.home / "logs" / name)
        changes["spool_path"] = settings.home / "spools" / name
    if settings.log_key_bytes() is None:
        changes["log_key"] = SecretStr(_write_log_key(Path(ENV_FILE)))
    return settings.model_copy(update=changes)


def measured(settings: Settings) -> Settings:
    """Show metrics, on a free port unless the settings say which: the dashboard tells alerts."""
    if settings.metrics_port is not None:
        return settings
    return settings.model_copy(update={"metrics_port": free_port(settings.host)})


def _write_log_key(path: Path) -> str:
    """Add a random key to the file of the settings, which only its owner may then read."""
    key = secrets.token_hex(32)
    before = path.read_text("utf-8") if path.exists() else ""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(0o600)
    partial.write_text(f"{before.rstrip()}\nLIBELLE_LOG_KEY={key}\n".lstrip(), "utf-8")
    partial.replace(path)
    say(f"A random key of the prediction log was written in {path}")
    return key


def _fill_empty_log(settings: Settings) -> None:
    """Replay weeks of traffic, the first time."""
    from libelle.cli.predict import load_version
    from libelle.monitoring.prediction_log.store import LogStore

    options = read_log_options(settings)
    if next(iter(LogStore(options.uri, options.storage).days()), None) is not None:
        return
    predictor, version = load_version(settings.model, settings)
    n_texts = write_traffic(options, predictor, version, until=datetime.now(UTC))
    say(f"{n_texts:,} made-up requests of the last weeks are in {options.uri}")


@app.command("traffic")
def replay_traffic(
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="Model that answers.")
    ] = "models:/demo@champion",
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Weeks, the last one ends now.")] = 12,
    per_day: Annotated[int, typer.Option(min=1, help="Texts of a working day.")] = 150,
    seed: Annotated[int, typer.Option(help="Seed of the generator.")] = 1,
) -> None:
    """Write to the log what a model would have answered to some weeks of made-up requests.

    In the last weeks the requests change. All texts are kept, since nobody wrote them.

    Example: `LIBELLE_LOG_URI=log libelle demo traffic models:/demo@champion`
    """
    from libelle.cli.predict import load_version
    from libelle.data.demo import SYNTHETIC_NOTICE

    settings = read_settings()
    options = read_log_options(settings)
    predictor, version = load_version(model, settings)
    say(SYNTHETIC_NOTICE)
    n_texts = write_traffic(
        options,
        predictor,
        version,
        until=datetime.now(UTC),
        seed=seed,
        n_weeks=weeks,
        texts_per_day=per_day,
    )
    print_lines([f"{n_texts:,} answers of the last {weeks} weeks in {options.uri}."])


def write_traffic(
    options: LogOptions, predictor: Any, version: str | None, *, until: datetime, **size: int
) -> int:
    """Write traffic that ends at a time to the log, with its texts; return how many there are."""
    from libelle.data.demo import make_traffic

    open_options = replace(options, text_policy=TextPolicy.FULL)
    traffic = make_traffic(until=until, **size)
    with recording(
        open_options, predictor, request_id="traffic", version=version, client=DEMONSTRATION
    ) as recorder:
        for start in range(0, len(traffic), TRAFFIC_CHUNK):
            _replay(traffic[start : start + TRAFFIC_CHUNK], start, predictor, recorder)
    return len(traffic)


def _replay(sent: "list[TrafficText]", start: int, predictor: Any, recorder: "Recorder") -> None:
    """Answer texts together, and note each at the time when it was sent."""
    texts = [one.text for one in sent]
    positions = range(start, start + len(sent))
    began = time.perf_counter()
    answers = predictor.answer(texts, prediction_ids=recorder.name(positions, texts))
    each = (time.perf_counter() - began) / len(sent)
    for place, one in enumerate(sent):
        recorder.note(
            [positions[place]],
            [one.text],
            [one.id],
            Answers([answers.predictions[place]], answers.features.at(place)),
            received_at=one.sent_at,
            started=time.perf_counter() - each,
        )


def say_destinations(settings: Settings) -> None:
    """Say where results go, when the environment sends them off this machine."""
    from libelle.storage import redact, with_scheme

    if settings.mlflow_tracking_uri:
        from libelle.tracking.client import public_address

        address = public_address(settings.mlflow_tracking_uri)
        say(f"MLFLOW_TRACKING_URI is set: runs and models go to {address}")
    if endpoint := settings.storage_options().endpoint_url:
        say(f"AWS_* is set: s3:// addresses are those of {redact(str(with_scheme(endpoint)))}")


def _guarded(settings: Settings) -> Settings:
    """Ask for no key where only this machine can call; otherwise, check that there are some."""
    from api.security.access import read_key_ring
    from api.security.addresses import is_loopback

    is_chosen = "auth" in settings.model_fields_set or settings.api_keys_bytes() is not None
    if not is_chosen and is_loopback(settings.host):
        say(f"Only this machine reaches {settings.host}: no key is asked for (LIBELLE_AUTH=none)")
        settings = settings.model_copy(update={"auth": "none"})
    read_key_ring(settings)
    return settings


def _demo_corpus(settings: Settings) -> tuple[str, str, str, str]:
    from libelle.data.demo import SYNTHETIC_NOTICE, write_demo

    path = settings.home / "demo.csv"
    if not path.exists():
        write_demo(path)
    say(SYNTHETIC_NOTICE)
    return str(path), "text", "code", str(path.with_name("demo-nomenclature.csv"))


def _journey(
    settings: Settings, data: str, text: str, code: str, nomenclature: str | None
) -> dict[str, Any]:
    """Return the summary of a training on this very file: the one made before, or a new one."""
    key = _key(data, text, code)
    journeys = _read_journeys(settings)
    if key and key in journeys and _still_there(journeys[key]["model_uri"], settings):
        say(f"{data} was learnt already: {journeys[key]['model_uri']}")
        return dict(journeys[key])
    _say_check(settings, data, text, code, nomenclature)
    options = {"n_trials": DEMO_TRIALS, "n_folds": DEMO_FOLDS}
    summary = run_training(
        settings, data, text=text, code=code, nomenclature=nomenclature, options=options
    )
    if key:
        _write_journeys(settings, {**journeys, key: summary})
    return summary


def _say_check(
    settings: Settings, data: str, text: str, code: str, nomenclature: str | None
) -> None:
    from libelle.data.datasets import check_dataset
    from libelle.data.nomenclature import read_nomenclature

    options = settings.storage_options()
    known = read_nomenclature(nomenclature, options) if nomenclature else None
    report = check_dataset(
        data, text=text, code=code, nomenclature=known, n_folds=DEMO_FOLDS, options=options
    )
    for line in report.lines():
        say(line)


def _key(data: str, text: str, code: str) -> str | None:
    """Name a training by the content of a local file; a remote one is always learnt again."""
    path = Path(data)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{content} {text} {code}"


def _read_journeys(settings: Settings) -> dict[str, Any]:
    try:
        journeys: dict[str, Any] = json.loads((settings.home / JOURNEYS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return journeys


def _write_journeys(settings: Settings, journeys: dict[str, Any]) -> None:
    with write_atomically(settings.home / JOURNEYS) as stream:
        stream.write(json.dumps(journeys, ensure_ascii=False, indent=1).encode())


def _still_there(model_uri: str, settings: Settings) -> bool:
    from libelle.cli.predict import load_predictor

    try:
        load_predictor(model_uri, settings)
    except LibelleError:
        return False
    return True


def _last_screen(settings: Settings, data: str | None) -> list[str]:
    from libelle.tracking.client import public_address

    host = reachable(settings.host)
    address = f"http://{host}:{settings.port}"
    question = "nid de poule devant l'école" if data is None else "un texte à coder"
    quoted = question.replace("'", "'\\''")
    json_header = "-H 'Content-Type: application/json'"
    return [
        "",
        f"API          {address}/docs",
        f"Dashboard    http://{host}:{settings.dashboard_port}/",
        *_log_line(settings),
        *_metrics_line(host, settings.metrics_port),
        f"Runs         make mlflow        ({public_address(tracking_uri(settings))})",
        "One text     " f'curl -s {address}/v1/predict {json_header} -d \'{{"text": "{quoted}"}}\'',
        f"A batch      curl -s {address}/v1/predict/batch {json_header} "
        f'-d \'{{"items": [{{"id": "1", "text": "{quoted}"}}, '
        '{"id": "2", "text": "acte de naissance"}]}\'',
        "Stop         Ctrl-C",
        "",
    ]


def _log_line(settings: Settings) -> list[str]:
    """Return what tells the other commands where the log is."""
    return [f"Its log      export LIBELLE_LOG_URI={settings.log_uri}"] if settings.log_uri else []


def _metrics_line(host: str, port: int | None) -> list[str]:
    return [f"Metrics      http://{host}:{port}/metrics"] if port else []
