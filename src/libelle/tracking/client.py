"""Client: an MLflow that is quiet, bounded in time, and says in one sentence what went wrong."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from libelle.errors import LibelleError, MissingPackageError, TrackingError, UnreachableError

HTTP_TIMEOUT_SECONDS = 10
HTTP_RETRIES = 1
MAX_REASON_CHARACTERS = 300
S3_REFUSALS = (
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "(403)",
)
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")

Answer = TypeVar("Answer")
Beat = Callable[[], None]


def connect(tracking_uri: str) -> Any:
    """Return an `MlflowClient` of an address, for its runs and for its models.

    Raises
    ------
    MissingPackageError
        Without MLflow.
    TrackingError
        If MLflow cannot use this kind of address here.
    """
    _refuse_unusable(tracking_uri)
    _quiet_mlflow()
    from mlflow import MlflowClient

    if database := database_path(tracking_uri):
        database.parent.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def database_path(tracking_uri: str) -> Path | None:
    """Return the file of a local SQLite store, None for any other address."""
    prefix, found, path = tracking_uri.partition("sqlite:///")
    return Path(path).absolute() if found and not prefix and path else None


def public_address(tracking_uri: str) -> str:
    """Return an address as it may be shown and written: without password."""
    return _without_passwords(tracking_uri.partition("?")[0])


def artifact_location(tracking_uri: str) -> str | None:
    """Return where the artifacts of a local SQLite store go: beside it, wherever one works from."""
    database = database_path(tracking_uri)
    return (database.parent / "mlruns").as_uri() if database else None


def within(
    deadline_seconds: float, work: Callable[[Beat], Answer], *, tracking_uri: str, purpose: str
) -> Answer:
    """Do a work that may hang, and give it up when it is silent for too long.

    MLflow bounds each HTTP request, but not what a file system, a database or S3 makes it wait.

    Parameters
    ----------
    deadline_seconds : float
        Longest time between two calls of `beat`.
    work : callable
        Receives `beat`, and calls it each time the server answered.
    tracking_uri : str
        Named in the messages, without its password.
    purpose : str
        What is being done, as the message says it: "send the run".

    Raises
    ------
    TrackingError
        If the work fails, or is silent for too long.
    """
    watched = Watched(work, tracking_uri=tracking_uri, purpose=purpose)
    watched.start()
    answer: Answer = watched.wait(deadline_seconds)
    return answer


class Watched(threading.Thread):
    """A work in a thread that nobody has to wait for.

    A thread cannot be killed: the one given up stops at its next beat, and does not keep the
    process from ending.
    """

    def __init__(self, work: Callable[[Beat], Any], *, tracking_uri: str, purpose: str) -> None:
        super().__init__(name="libelle-tracking", daemon=True)
        self._work, self._tracking_uri, self._purpose = work, tracking_uri, purpose
        self._beat_at = time.monotonic()
        self._given_up = False
        self._answer: Any = None
        self._error: LibelleError | None = None

    def run(self) -> None:
        """Do the work and keep its answer or its error."""
        try:
            self._answer = self._work(self.beat)
        except LibelleError as error:
            self._error = error
        except Exception as error:  # MLflow lets through errors of databases, HTTP, S3 and files.
            logging.getLogger(__name__).debug("%s failed", self._purpose, exc_info=True)
            self._error = self._failure(_reason(error), error)

    def beat(self) -> None:
        """Tell that the server answered."""
        if self._given_up:
            raise TrackingError("Given up.")
        self._beat_at = time.monotonic()

    def complaint(self, deadline_seconds: float) -> LibelleError | None:
        """Return what went wrong so far; silence makes the work given up."""
        if self.is_alive() and time.monotonic() - self._beat_at > deadline_seconds:
            self._given_up = True
            return self._failure(f"no answer within {deadline_seconds:g} seconds. Is it up?")
        return self._error

    def wait(self, deadline_seconds: float) -> Any:
        """Return the answer of the work, or raise what went wrong."""
        while self.is_alive():
            self.join(max(0.01, self._beat_at + deadline_seconds - time.monotonic()))
            if error := self.complaint(deadline_seconds):
                raise error
        if self._error:
            raise self._error
        return self._answer

    def _failure(self, reason: str, cause: BaseException | None = None) -> UnreachableError:
        who = f"MLflow at {public_address(self._tracking_uri)}"
        if _is_of_s3(cause):
            who = f"S3, where {who} keeps its files,"
        failure = UnreachableError(f"{who} could not {self._purpose}: {reason}")
        failure.__cause__ = cause
        return failure


@contextmanager
def patient_requests(seconds: int) -> Iterator[None]:
    """Let one HTTP request last: a server answers an upload once it has stored it elsewhere.

    Whoever calls bounds the whole by `within`. What the environment says wins.
    """
    import mlflow

    variable: Any = mlflow.environment_variables.MLFLOW_HTTP_REQUEST_TIMEOUT
    usual = variable.get()
    if usual != HTTP_TIMEOUT_SECONDS:
        yield
        return
    variable.set(seconds)
    try:
        yield
    finally:
        variable.set(usual)


def error_code(error: BaseException) -> str:
    """Return MLflow's code of an error, such as `RESOURCE_DOES_NOT_EXIST`; empty for others."""
    return str(getattr(error, "error_code", ""))


def _refuse_unusable(tracking_uri: str) -> None:
    address = public_address(tracking_uri)
    scheme = tracking_uri.partition(":")[0].partition("+")[0].lower()
    if find_spec("mlflow") is None:
        raise MissingPackageError("mlflow", extra="train", purpose="Tracking")
    if scheme in DATABASES and find_spec("sqlalchemy") is None:
        raise TrackingError(
            f"{address} is a database, which mlflow-skinny cannot read. Give the "
            "address of an MLflow server (http://…), a model folder, or install the extra [train]."
        )
    if scheme not in (*DATABASES, "http", "https", "databricks"):
        raise TrackingError(
            f"{address} is not an address of MLflow: since version 3.17 it keeps its "
            "runs in a database. Give sqlite:///PATH/mlflow.db or http://HOST."
        )


def _quiet_mlflow() -> None:
    """Bound what MLflow waits for, and let it neither print, nor log its migrations, nor report."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    import mlflow

    variables: Any = mlflow.environment_variables
    telemetry: Any = mlflow.telemetry
    bounds = {
        variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES: HTTP_RETRIES,
        variables.MLFLOW_HTTP_REQUEST_TIMEOUT: HTTP_TIMEOUT_SECONDS,
        # A model comes from the address that was given, and the password goes nowhere else.
        variables.MLFLOW_ALLOW_HTTP_REDIRECTS: False,
    }
    for variable, value in bounds.items():
        if not variable.is_set():
            variable.set(value)
    variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    variables.MLFLOW_DISABLE_TELEMETRY.set(True)
    telemetry.set_telemetry_client()
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # The import has set its own.


def _is_of_s3(error: BaseException | None) -> bool:
    modules = {type(one).__module__.partition(".")[0] for one in _chain(error)}
    return not modules.isdisjoint(("boto3", "botocore"))


def _reason_of_s3(error: BaseException) -> str | None:
    """Return what is wrong with S3, where its own words do not say what to do."""
    names = " ".join(f"{type(one).__name__}: {one}" for one in _chain(error))
    if "NoCredentialsError" in names:
        return "no key was given. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if any(code in names for code in S3_REFUSALS):
        return "access is refused. Check the AWS_* variables, and whether the key has expired."
    if "EndpointConnectionError" in names:
        return "it cannot be reached. Is it up, and is AWS_S3_ENDPOINT right?"
    return None


def _reason(error: BaseException) -> str:
    if _is_of_s3(error) and (of_s3 := _reason_of_s3(error)):
        return of_s3
    names = " ".join(f"{type(one).__name__}: {one}" for one in _chain(error))
    code = error_code(error)
    if code in ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"):
        return (
            "access is refused. Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
            "or MLFLOW_TRACKING_TOKEN."
        )
    if "Timeout" in names or "timed out" in names:
        return "no answer in time. Is it up?"
    if "NewConnectionError" in names or "NameResolutionError" in names:
        return "nobody answers there. Is it up, and is the address right?"
    if "CERTIFICATE_VERIFY_FAILED" in names:
        return "nobody vouches for its certificate. Is it the right address?"
    if re.search(r"failed with error code 30\d", str(error)):
        return "it sends elsewhere, which is not followed. Give the address where it stands."
    said = str(error).strip().splitlines()
    return _without_passwords(said[0] if said else type(error).__name__)[:MAX_REASON_CHARACTERS]


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _without_passwords(message: str) -> str:
    return re.sub(r"://[^/\s]*@", "://", message)
