"""Settings: every environment variable, typed; only the doors read them."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libelle.errors import UsageError
from libelle.storage import StorageOptions


class Settings(BaseSettings):
    """Where libelle runs and with what secrets; what changes a result is an option of a command.

    Values come from the environment, then from a `.env` file in the current folder. Each secret
    may be given by a file instead: `LIBELLE_LOG_KEY_FILE` names the file that holds
    `LIBELLE_LOG_KEY`.
    """

    model_config = SettingsConfigDict(
        env_prefix="LIBELLE_",
        env_file=".env",
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
    log_key: Annotated[
        SecretStr | None,
        Field(
            description="Secret key of the prediction identifiers; random at each start if unset."
        ),
    ] = None
    log_key_file: Annotated[Path | None, Field(description="File that holds LIBELLE_LOG_KEY.")] = (
        None
    )
    mlflow_tracking_uri: Annotated[
        str | None,
        Field(
            validation_alias="MLFLOW_TRACKING_URI",
            description="MLflow server of the runs and models; a local SQLite file if unset.",
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

    def log_key_bytes(self) -> bytes | None:
        """Return the key of the prediction identifiers, from the environment or from its file.

        Raises
        ------
        UsageError
            If the file cannot be read.
        """
        if self.log_key is not None or self.log_key_file is None:
            return self.log_key.get_secret_value().encode() if self.log_key else None
        try:
            return self.log_key_file.read_bytes().strip()
        except OSError as error:
            raise UsageError(
                f"LIBELLE_LOG_KEY_FILE: {self.log_key_file} cannot be read: {error.strerror}."
            ) from error

    @field_validator("port", mode="before")
    @classmethod
    def _refuse_service_links(cls, port: Any) -> Any:
        if isinstance(port, str) and "://" in port:
            raise ValueError(
                "is an address: Kubernetes wrote it for a Service named libelle. "
                "Set enableServiceLinks: false in the pod"
            )
        return port


def read_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment, then from `.env`.

    Parameters
    ----------
    **overrides
        Values that win over the environment, by field name.

    Raises
    ------
    UsageError
        If a variable has a value that its type refuses; the message names it, never its value.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        complaints = "; ".join(_complaint(problem) for problem in error.errors())
        raise UsageError(f"Settings: {complaints}. See .env.example.") from None


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
        default = "" if field.default in (None, "") else str(field.default)
        lines += [f"# {field.description}", f"#{variable}={default}", ""]
    return "\n".join(lines)
