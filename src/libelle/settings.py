"""Settings: every environment variable, typed; only the doors read them."""

import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv.main import DotEnv
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from libelle.errors import UsageError
from libelle.monitoring.prediction_log import LogOptions, SyncMode, WhenFull
from libelle.monitoring.privacy import TextPolicy
from libelle.storage import StorageOptions, with_scheme
from libelle.variables import complain_of_repeated, complain_of_unknown, without_service_links

# What `storage` does for S3 servers that are not Amazon's, as boto3 and MLflow call it.
_OTHER_THAN_AMAZON = {
    "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": "path",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}

Network = IPv4Network | IPv6Network

ENV_FILE = ".env"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _split(value: Any) -> Any:
    return re.split(r"[,\s]+", value.strip(" ,\n\t")) if isinstance(value, str) else value


def _read_networks(value: Any) -> Any:
    try:
        return tuple(ip_network(one) for one in _split(value))
    except ValueError:
        raise ValueError("addresses or networks, such as 10.0.0.0/8, separated by commas") from None


def _read_origins(value: Any) -> Any:
    origins = tuple(_split(value))
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError(
            "origins, such as https://app.example.org, separated by commas; each one is named: "
            "* is refused"
        )
    return origins


def _read_list(value: Any) -> Any:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())


class Settings(BaseSettings):
    """Where libelle runs and with what secrets; what changes a result is an option of a command.

    Values come from the environment, then from a `.env` file in the current folder. Each secret
    may be given by a file instead: `LIBELLE_LOG_KEY_FILE` names the file that holds
    `LIBELLE_LOG_KEY`.
    """

    model_config = SettingsConfigDict(
        env_prefix="LIBELLE_",
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Annotated[
        Path,
        Field(
            description="Folder of the local runs, of the results kept on disk and of the studies."
        ),
    ] = Path()
    model: Annotated[
        str,
        Field(description="Model to serve: models:/NAME@champion, models:/NAME/3 or a folder."),
    ] = "models:/demo@champion"
    model_digest: Annotated[
        str | None,
        Field(
            pattern="^[0-9a-f]{12,64}$",
            description="Digest that the model must have, or its beginning: the service then "
            "serves that one and no other, whatever an alias says.",
        ),
    ] = None
    follow_seconds: Annotated[
        float,
        Field(ge=1, le=86_400, description="Time between two looks at where the alias points."),
    ] = 30.0
    load_seconds: Annotated[
        float, Field(gt=0, le=3_600, description="Longest time that loading a model may take.")
    ] = 60.0
    load_memory_bytes: Annotated[
        int, Field(ge=2**26, description="Most memory that loading a model may take.")
    ] = (4 * 2**30)
    target_error: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="Share of errors promised among what is coded automatically: one that the "
            "model was certified for; the first declared if unset.",
        ),
    ] = None
    host: Annotated[str, Field(description="Address the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="Port the API listens on.")] = 8000
    metrics_port: Annotated[
        int | None,
        Field(
            ge=1, le=65535, description="Port of the Prometheus metrics; none is shown if unset."
        ),
    ] = None
    metrics_host: Annotated[
        str | None, Field(description="Address of the metrics; that of the API if unset.")
    ] = None
    workers: Annotated[int, Field(ge=1, le=64, description="Processes that answer requests.")] = 1
    root_path: Annotated[
        str, Field(description="Sub-path under which a proxy shows the API, such as /proxy/8000.")
    ] = ""
    max_batch_texts: Annotated[
        int, Field(ge=1, le=100_000, description="Most texts in one batch.")
    ] = 1_000
    max_body_bytes: Annotated[
        int, Field(ge=1_000, le=2**30, description="Most bytes in the body of a request.")
    ] = 10_000_000
    max_total_characters: Annotated[
        int, Field(ge=1, le=10**9, description="Most characters in all texts of a batch.")
    ] = 2_000_000
    max_requests: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="Most requests that one process works on at a time; others get 503.",
        ),
    ] = 128
    max_waiting_bytes: Annotated[
        int,
        Field(ge=1_000, description="Most bytes of bodies that one process keeps at a time."),
    ] = 64_000_000
    max_file_bytes: Annotated[
        int, Field(ge=1_000, le=10**12, description="Most bytes in a file of texts to code.")
    ] = 1_000_000_000
    max_record_bytes: Annotated[
        int, Field(ge=1_000, le=2**24, description="Most bytes in one record of such a file.")
    ] = 1_000_000
    max_spool_bytes: Annotated[
        int,
        Field(
            ge=0,
            description="Most bytes of answers that one process keeps on disk, in the folder of "
            "temporary files, for clients that send a file before they read.",
        ),
    ] = 4_000_000_000
    max_connections: Annotated[
        int, Field(ge=1, le=1_000_000, description="Most connections open to one process.")
    ] = 1_000
    header_seconds: Annotated[
        float, Field(gt=0, le=600, description="Time in which the headers of a request must come.")
    ] = 10.0
    body_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=3_600,
            description="Time in which a body must come; more for one of over 10 kB a second.",
        ),
    ] = 30.0
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=600,
            description="After SIGTERM, time during which requests are still answered while the "
            "service says that it is not ready.",
        ),
    ] = 5.0
    shutdown_seconds: Annotated[
        float, Field(ge=1, le=3_600, description="Then, time to finish what is in flight.")
    ] = 20.0
    max_text_characters: Annotated[
        int, Field(ge=1, le=1_000_000, description="Most characters in one text.")
    ] = 10_000
    max_top_k: Annotated[int, Field(ge=1, le=1_000, description="Most candidates of one text.")] = (
        50
    )
    auth: Annotated[
        Literal["keys", "none"],
        Field(description="Who is answered: bearers of a key, or (none) whoever can call."),
    ] = "keys"
    api_keys: Annotated[
        SecretStr | None,
        Field(
            description="Hashes of the keys that are answered, separated by commas or line ends, "
            "each as `libelle serve --new-key` prints it."
        ),
    ] = None
    api_keys_file: Annotated[
        Path | None, Field(description="File that holds LIBELLE_API_KEYS.")
    ] = None
    rate_limit: Annotated[
        int | None,
        Field(
            ge=1,
            le=1_000_000,
            description="Requests a minute that one process answers to each client, all its keys "
            "together, or to each address without keys; no limit if unset.",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[Network, ...],
        NoDecode,
        BeforeValidator(_read_networks),
        Field(
            description="Addresses or networks of the proxies whose X-Forwarded-For is believed, "
            "separated by commas; none if unset."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_read_origins),
        Field(
            description="Origins whose pages may call the API from a browser, with a key, "
            "separated by commas; none if unset."
        ),
    ] = ()
    session_seconds: Annotated[
        int, Field(ge=60, le=604_800, description="Time during which a login holds.")
    ] = 28_800
    log_key: Annotated[
        SecretStr | None,
        Field(
            description="Secret key of the prediction identifiers, of the sessions and of what the "
            "prediction log hashes, 32 characters or more; random at each start if unset, which "
            "the log refuses."
        ),
    ] = None
    log_key_file: Annotated[Path | None, Field(description="File that holds LIBELLE_LOG_KEY.")] = (
        None
    )
    log_uri: Annotated[
        str | None,
        Field(description="Folder of the prediction log, local or s3://…; no log if unset."),
    ] = None
    spool_path: Annotated[
        Path | None,
        Field(
            description="Local folder where rows of the log wait to be uploaded; `spool` in "
            "LIBELLE_HOME if unset."
        ),
    ] = None
    log_sync: Annotated[
        SyncMode,
        Field(
            description="Rows are on the disk before the answer leaves (always), or whenever the "
            "system writes them (off)."
        ),
    ] = SyncMode.ALWAYS
    log_when_full: Annotated[
        WhenFull,
        Field(
            description="What becomes of an answer whose row cannot be kept: sent and counted "
            "(degrade), or refused with 503 (refuse)."
        ),
    ] = WhenFull.DEGRADE
    log_spool_bytes: Annotated[
        int, Field(ge=2**20, description="Most bytes of rows that may wait in the spool.")
    ] = (2**30)
    log_upload_seconds: Annotated[
        float, Field(gt=0, le=3_600, description="Longest time that a row waits to be uploaded.")
    ] = 10.0
    log_ids: Annotated[
        Literal["plain", "hashed"],
        Field(description="How the log keeps what the caller calls an item."),
    ] = "plain"
    log_days: Annotated[
        int, Field(ge=1, le=3_650, description="Days that `libelle log purge` leaves in the log.")
    ] = 365
    text_policy: Annotated[
        TextPolicy,
        Field(
            description="Texts that the log keeps: none, review (those to review and a share of "
            "the automatic ones), redacted (all, without what names a person) or full."
        ),
    ] = TextPolicy.NONE
    text_share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Share of the automatic texts that the policy review keeps, drawn at "
            "random: audits take their sample there.",
        ),
    ] = 0.02
    verdict_uri: Annotated[
        str | None,
        Field(
            description="Where `libelle audit estimate --publish` writes its verdict, a file or "
            "s3://…, and where the API looks for it; nowhere if unset."
        ),
    ] = None
    on_broken: Annotated[
        Literal["warn", "suspend"],
        Field(
            description="What the API does when an audit finds the promise broken: say it, or code "
            "nothing automatically any more until another model is certified (suspend)."
        ),
    ] = "warn"
    dashboard_port: Annotated[
        int, Field(ge=1, le=65535, description="Port the dashboard listens on.")
    ] = 8001
    made_up: Annotated[
        bool,
        Field(description="The requests of the log are made up: the dashboard says so everywhere."),
    ] = False
    review_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=3_600,
            description="Time that a person takes to code a text: the dashboard tells the hours "
            "that automatic answers save.",
        ),
    ] = 60.0
    api_url: Annotated[
        str,
        Field(
            pattern=r"^https?://[^\s?#]+$",
            description="Address of the API that the dashboard asks and writes to.",
        ),
    ] = "http://127.0.0.1:8000"
    metrics_url: Annotated[
        str | None,
        Field(
            pattern=r"^http://[^\s?#]+$",
            description="Address of the metrics of the API, http://host:port/metrics: the "
            "dashboard asks every address that this host has, and shows the alerts; none if unset.",
        ),
    ] = None
    api_key: Annotated[
        SecretStr | None,
        Field(
            description="Key that the dashboard shows to the API, with the scopes predict, read "
            "and review; none if the API asks for none."
        ),
    ] = None
    api_key_file: Annotated[Path | None, Field(description="File that holds LIBELLE_API_KEY.")] = (
        None
    )
    audit_sheets: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_read_list),
        Field(
            description="Sheets that `libelle audit draw` wrote, local or s3://…, separated by "
            "commas: the review page mixes their texts in; none if unset."
        ),
    ] = ()
    mlflow_tracking_uri: Annotated[
        str | None,
        Field(
            validation_alias="MLFLOW_TRACKING_URI",
            description="MLflow server of the runs and models; a local SQLite file if unset.",
        ),
    ] = None
    mlflow_tracking_username: Annotated[
        str | None,
        Field(
            validation_alias="MLFLOW_TRACKING_USERNAME",
            description="Who asks the MLflow server, where it wants to know.",
        ),
    ] = None
    mlflow_tracking_password: Annotated[
        SecretStr | None,
        Field(validation_alias="MLFLOW_TRACKING_PASSWORD", description="Password of that person."),
    ] = None
    mlflow_tracking_token: Annotated[
        SecretStr | None,
        Field(
            validation_alias="MLFLOW_TRACKING_TOKEN",
            description="Token of the MLflow server, instead of a name and a password.",
        ),
    ] = None
    aws_endpoint_url: Annotated[
        str | None,
        Field(
            validation_alias="AWS_ENDPOINT_URL",
            description="Address of the S3 server, with its scheme.",
        ),
    ] = None
    aws_s3_endpoint: Annotated[
        str | None,
        Field(
            validation_alias="AWS_S3_ENDPOINT",
            description="Host of the S3 server, with or without scheme (SSP Cloud's variable).",
        ),
    ] = None
    aws_default_region: Annotated[
        str | None,
        Field(validation_alias="AWS_DEFAULT_REGION", description="Region of the S3 server."),
    ] = None
    aws_access_key_id: Annotated[
        SecretStr | None,
        Field(validation_alias="AWS_ACCESS_KEY_ID", description="Identifier of the S3 key."),
    ] = None
    aws_secret_access_key: Annotated[
        SecretStr | None,
        Field(validation_alias="AWS_SECRET_ACCESS_KEY", description="Secret of the S3 key."),
    ] = None
    aws_session_token: Annotated[
        SecretStr | None,
        Field(validation_alias="AWS_SESSION_TOKEN", description="Token of a temporary S3 key."),
    ] = None

    def storage_options(self) -> StorageOptions:
        """Return what reaching S3 takes."""
        return StorageOptions(
            endpoint_url=self.aws_endpoint_url or self.aws_s3_endpoint,
            region=self.aws_default_region,
            access_key_id=_reveal(self.aws_access_key_id),
            secret_access_key=_reveal(self.aws_secret_access_key),
            session_token=_reveal(self.aws_session_token),
        )

    def log_options(self) -> LogOptions | None:
        """Return where the prediction log stands and what it keeps; None when there is none.

        Raises
        ------
        UsageError
            If there is a log and no key: hashes without one can be guessed.
        """
        if self.log_uri is None:
            return None
        key = self.log_key_bytes()
        if key is None:
            raise UsageError(
                "A prediction log needs a secret key, without which its hashes could be guessed. "
                "Set LIBELLE_LOG_KEY (`openssl rand -hex 32` makes one), or unset LIBELLE_LOG_URI."
            )
        return LogOptions(
            uri=self.log_uri,
            spool_path=self.spool_path or self.home / "spool",
            key=key,
            sync=self.log_sync,
            when_full=self.log_when_full,
            max_spool_bytes=self.log_spool_bytes,
            upload_seconds=self.log_upload_seconds,
            text_policy=self.text_policy,
            review_share=self.text_share,
            hash_ids=self.log_ids == "hashed",
            storage=self.storage_options(),
        )

    def share_with_mlflow(self) -> None:
        """Write to the environment what MLflow and boto3 look for there, and `.env` alone has.

        What the environment says already is not changed.
        """
        told = {
            str(field.validation_alias): getattr(self, name)
            for name, field in type(self).model_fields.items()
            if field.validation_alias and name not in ("aws_endpoint_url", "aws_s3_endpoint")
        }
        if endpoint := with_scheme(self.storage_options().endpoint_url):
            told["MLFLOW_S3_ENDPOINT_URL"] = endpoint
            told |= _OTHER_THAN_AMAZON
        for variable, value in told.items():
            if value is not None and not os.environ.get(variable):
                secret = isinstance(value, SecretStr)
                os.environ[variable] = value.get_secret_value() if secret else value

    def log_key_bytes(self) -> bytes | None:
        """Return the key of the prediction identifiers, from the environment or from its file.

        Raises
        ------
        UsageError
            If the file cannot be read.
        """
        return _secret_bytes(self.log_key, self.log_key_file, "LIBELLE_LOG_KEY_FILE")

    def api_keys_bytes(self) -> bytes | None:
        """Return the hashes of the keys, from the environment or from their file.

        Raises
        ------
        UsageError
            If the file cannot be read.
        """
        return _secret_bytes(self.api_keys, self.api_keys_file, "LIBELLE_API_KEYS_FILE")

    def api_key_bytes(self) -> bytes | None:
        """Return the key of the dashboard, from the environment or from its file.

        Raises
        ------
        UsageError
            If the file cannot be read.
        """
        return _secret_bytes(self.api_key, self.api_key_file, "LIBELLE_API_KEY_FILE")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read no variable that Kubernetes wrote for a Service named libelle."""
        for source in (env_settings, dotenv_settings):
            assert isinstance(source, EnvSettingsSource)  # noqa: S101
            source.env_vars = without_service_links(source.env_vars)
        return init_settings, env_settings, dotenv_settings


def read_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment, then from `.env`.

    Parameters
    ----------
    **overrides
        Values that win over the environment, by field name.

    Raises
    ------
    UsageError
        If a variable has a value that its type refuses, is no setting, or says again what another
        one says; the message names it, never its value.
    """
    env_file = overrides.get("_env_file", Settings.model_config["env_file"])
    if misnamed := list(_misnamed(os.environ, env_file)):
        raise UsageError(f"Settings: {'; '.join(misnamed)}. See .env.example.")
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        complaints = "; ".join(_complaint(problem) for problem in error.errors())
        raise UsageError(f"Settings: {complaints}. See .env.example.") from None
    _refuse_two_values(settings)
    return settings


def environment_with(**values: str) -> dict[str, str]:
    """Return the environment of another process of ours, with some settings changed.

    Parameters
    ----------
    **values
        What the settings are, by field name.
    """
    return os.environ | {f"LIBELLE_{name.upper()}": value for name, value in values.items()}


def _misnamed(environment: Mapping[str, str], env_file: str | None) -> Iterator[str]:
    """Say which variables are no setting, or stand twice, in the environment and in a file."""
    known = {name for names in _variables() for name in names}
    of_file = DotEnv(env_file, interpolate=False).parse() if env_file else ()
    for pairs in (environment.items(), of_file):
        names = [name for name, value in pairs if without_service_links({name: value})]
        yield from complain_of_unknown(names, known)
        yield from complain_of_repeated(names, known)
    for ours, theirs in (pair for pair in _variables() if len(pair) == 2):
        if environment.get(ours) and environment.get(theirs):
            yield f"{ours} and {theirs} are one setting: keep one of them"


def _variables() -> Iterator[tuple[str, ...]]:
    """Give the names under which each setting is read."""
    for name, field in Settings.model_fields.items():
        ours = f"LIBELLE_{name.upper()}"
        yield (ours, str(field.validation_alias)) if field.validation_alias else (ours,)


def _refuse_two_values(settings: Settings) -> None:
    for name in Settings.model_fields:
        of_file = f"{name}_file"
        given = [getattr(settings, field, None) for field in (name, of_file)]
        if None not in given:
            variable = f"LIBELLE_{name.upper()}"
            raise UsageError(
                f"Settings: {variable} and {variable}_FILE are both given: keep one of them."
            )


def _secret_bytes(secret: SecretStr | None, path: Path | None, variable: str) -> bytes | None:
    if secret is not None or path is None:
        return secret.get_secret_value().encode() if secret else None
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{variable}: {path} cannot be read: {error.strerror}.") from error


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _complaint(problem: Any) -> str:
    field = str(problem["loc"][0])
    variable = field if field.isupper() else f"LIBELLE_{field.upper()}"
    return f"{variable}: {problem['msg'].removeprefix('Value error, ')}"


def example_environment() -> str:
    """Return the content of `.env.example`: every variable with its sentence and its default."""
    lines = ["# Settings of libelle, written by `make env-example`. Copy to .env and edit.", ""]
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"LIBELLE_{name.upper()}")
        default = "" if field.default in (None, "", ()) else str(field.default)
        lines += [f"# {field.description}", f"#{variable}={default}", ""]
    return "\n".join(lines)
