"""Schemas: what goes in and comes out over HTTP, with every bound."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from api.security.keys import MAX_KEY_CHARACTERS, Scope
from libelle.decision import Decision, GuaranteeStatus, Reason
from libelle.monitoring.feedback import FeedbackVerdict
from libelle.monitoring.feedback.rows import (
    DIGEST_PATTERN,
    MAX_CODE_CHARACTERS,
    PREDICTION_ID_PATTERN,
)
from libelle.settings import Settings

MAX_ID_CHARACTERS = 256
MAX_CODER_CHARACTERS = 256
MAX_QUERY_CHARACTERS = 200
MAX_PAGE_CODES = 100
DEFAULT_PAGE_CODES = 20
DEFAULT_TOP_K = 5
MAX_COLUMN_CHARACTERS = 256
DEFAULT_TEXT_COLUMN = "text"

_STRICT = ConfigDict(extra="forbid", strict=True)
_EXAMPLE_ITEMS = [
    {"id": "1", "text": "Lampadaire éteint rue de la Gare"},
    {"id": "2", "text": "Je n'ai pas reçu l'acte de naissance"},
]


@dataclass(frozen=True)
class RequestTypes:
    """What requests must look like, bounded as the settings say."""

    predict: TypeAdapter[Any]
    batch: TypeAdapter[Any]
    flawless_batch: msgspec.json.Decoder[Any]
    rows: TypeAdapter[Any]
    file_query: TypeAdapter[Any]
    default_top_k: int


def request_types(settings: Settings) -> RequestTypes:
    """Return the types of the bodies; dictionaries, which cost half as much as objects."""
    default_top_k = min(DEFAULT_TOP_K, settings.max_top_k)
    Text = Annotated[
        str,
        Field(
            max_length=settings.max_text_characters,
            description="What a person wrote.",
            examples=["Nid de poule devant l'école"],
        ),
    ]
    Identifier = Annotated[
        str | None,
        Field(
            max_length=MAX_ID_CHARACTERS,
            description="Of your own, echoed in the answer; always text.",
            examples=["A-17"],
        ),
    ]
    TopK = Annotated[
        int,
        Field(
            ge=1,
            le=settings.max_top_k,
            description=f"Most candidates of a text; {default_top_k} if absent.",
            examples=[default_top_k],
        ),
    ]
    Explain = Annotated[
        bool,
        Field(description="Ask what each word brings to the first candidate over the second."),
    ]

    ColumnName = Annotated[str, Field(min_length=1, max_length=MAX_COLUMN_CHARACTERS)]

    @with_config(_with_example({"id": "A-17", "text": "Nid de poule devant l'école", "top_k": 3}))
    class PredictRequest(TypedDict):
        """One text to code."""

        text: Text
        id: NotRequired[Identifier]
        top_k: NotRequired[TopK]
        explain: NotRequired[Explain]

    @with_config(_STRICT)
    class BatchItem(TypedDict):
        """A text of a batch."""

        text: Text
        id: NotRequired[Identifier]

    @with_config(_with_example({"items": _EXAMPLE_ITEMS, "top_k": 3}))
    class BatchRequest(TypedDict):
        """Texts to code, answered in the same order."""

        items: Annotated[list[BatchItem], Field(max_length=settings.max_batch_texts)]
        top_k: NotRequired[TopK]

    @with_config(_STRICT)
    class FileQuery(TypedDict):
        """Where a file has its texts."""

        text: NotRequired[
            Annotated[
                ColumnName,
                Field(
                    description=f"Column or field of the texts; `{DEFAULT_TEXT_COLUMN}` if absent.",
                    examples=["libelle"],
                ),
            ]
        ]
        id: NotRequired[
            Annotated[
                ColumnName,
                Field(
                    description="Column or field of your own identifiers, checked as those of a "
                    "batch are; none if absent.",
                    examples=["numero"],
                ),
            ]
        ]
        top_k: NotRequired[TopK]

    return RequestTypes(
        predict=TypeAdapter(PredictRequest),
        batch=TypeAdapter(BatchRequest),
        flawless_batch=_flawless_batch(settings, default_top_k),
        rows=TypeAdapter(list[BatchItem]),
        file_query=TypeAdapter(FileQuery),
        default_top_k=default_top_k,
    )


def _flawless_batch(settings: Settings, default_top_k: int) -> msgspec.json.Decoder[Any]:
    """Return what reads a batch in one go, or refuses it without a word of why.

    It lets through nothing that the type of the batch refuses.
    """
    Text = Annotated[str, msgspec.Meta(max_length=settings.max_text_characters)]
    Identifier = Annotated[str, msgspec.Meta(max_length=MAX_ID_CHARACTERS)]
    TopK = Annotated[int, msgspec.Meta(ge=1, le=settings.max_top_k)]
    item = msgspec.defstruct(
        "Item",
        [("text", Text), ("id", Identifier | None, None)],
        forbid_unknown_fields=True,
        gc=False,
    )
    items = Annotated[list[item], msgspec.Meta(max_length=settings.max_batch_texts)]  # type: ignore[valid-type]
    batch = msgspec.defstruct(
        "Batch", [("items", items), ("top_k", TopK, default_top_k)], forbid_unknown_fields=True
    )
    return msgspec.json.Decoder(batch)


@with_config(_STRICT)
class LoginRequest(TypedDict):
    """A key to exchange for a session."""

    key: Annotated[str, Field(max_length=MAX_KEY_CHARACTERS, description="As --new-key gave it.")]


LOGIN_TYPE: TypeAdapter[Any] = TypeAdapter(LoginRequest)


@with_config(_STRICT)
class FeedbackRequest(TypedDict):
    """What a coder says of a prediction."""

    prediction_id: Annotated[
        str,
        Field(
            pattern=PREDICTION_ID_PATTERN,
            description="As the prediction had it.",
            examples=["947a95bd-00c1-877f-975c-b6ee3ca22e8e"],
        ),
    ]
    # Strict, pydantic would refuse the value of an Enum.
    verdict: Annotated[FeedbackVerdict, Field(strict=False, examples=["confirmed"])]
    code: NotRequired[
        Annotated[
            str | None,
            Field(
                max_length=MAX_CODE_CHARACTERS,
                description="The right code, as text; goes with `confirmed` and `corrected` only.",
                examples=["0101"],
            ),
        ]
    ]
    coder: NotRequired[
        Annotated[
            str | None,
            Field(
                min_length=1,
                max_length=MAX_CODER_CHARACTERS,
                description="Who says it, kept as a keyed pseudonym; the name of the key if "
                "absent.",
                examples=["agent-12"],
            ),
        ]
    ]
    replaces: NotRequired[
        Annotated[
            str | None,
            Field(
                pattern=DIGEST_PATTERN,
                description="`feedback_id` of the verdict of the same coder that this one takes "
                "the place of.",
                examples=["5d2c6b0f4e1a48d79b3f0a8c7e6d5f41"],
            ),
        ]
    ]


FEEDBACK_TYPE: TypeAdapter[Any] = TypeAdapter(FeedbackRequest)


def _with_example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(**_STRICT, json_schema_extra={"examples": [example]})


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class ModelIdentity(_Answer):
    """Which model answered."""

    name: str = Field(examples=["demo"])
    version: str | None = Field(description="In the registry; null for a folder.", examples=["3"])
    digest: str = Field(description="SHA-256 of the model's manifest: its identity.")


class Guarantee(_Answer):
    """What may be said of the errors among the texts coded automatically."""

    status: GuaranteeStatus
    target_error: float | None = Field(description="Wanted share of errors.")
    delta: float | None = Field(description="Probability that the bound does not hold.")
    bound: float | None = Field(description="Proved upper limit of the share of errors.")
    threshold_id: str | None


class Candidate(_Answer):
    """A code that the text may have."""

    rank: int = Field(ge=1, examples=[1])
    code: str = Field(examples=["0101"])
    title: str = Field(examples=["Voirie"])
    probability: float = Field(ge=0, le=1, examples=[0.8123])


class RollUp(_Answer):
    """A code above, sure enough at its own level; that of the text's own code is in doubt."""

    level: int = Field(ge=1, description="Depth, 1 at the top.")
    code: str = Field(examples=["01"])
    title: str = Field(examples=["Voirie"])
    confidence: float = Field(ge=0, le=1, description="Summed over the codes below.")
    decision: Decision
    threshold_id: str = Field(description="Of the level.")


class CodeReference(_Answer):
    """A code and its title."""

    code: str = Field(examples=["0101"])
    title: str = Field(examples=["Voirie"])


class WordContribution(_Answer):
    """What a word brings, with its pairs of words and its pieces."""

    word: str = Field(description="As the model reads it: normalised.", examples=["poule"])
    contribution: float = Field(
        description="To the first candidate if positive, to the second if negative.",
        examples=[1.874],
    )


class Explanation(_Answer):
    """Why the first candidate comes before the second: parts that sum to `score_difference`."""

    against: CodeReference = Field(
        description="The second candidate, even where `top_k` hides it.",
        examples=[{"code": "0102", "title": "Éclairage public"}],
    )
    score_difference: float = Field(
        description="Score of the first candidate minus that of the second, calibrated, save by a "
        "curve: the logarithm of how many times likelier it is, where there is none.",
        examples=[3.219],
    )
    baseline: float = Field(description="What no word brings.", examples=[-0.124])
    words: list[WordContribution] = Field(
        description="In the order of the text; a repeated word comes as often as it is repeated.",
        examples=[
            [
                {"word": "nid", "contribution": 1.308},
                {"word": "de", "contribution": 0.161},
                {"word": "poule", "contribution": 1.874},
            ]
        ],
    )


class Prediction(_Answer):
    """The answer to a text. A code to store is `code`; a suggestion is `candidates[0]`."""

    prediction_id: str = Field(
        description="The same for a retry with the same `X-Request-ID`.",
        examples=["947a95bd-00c1-877f-975c-b6ee3ca22e8e"],
    )
    decision: Decision = Field(examples=[Decision.REVIEW])
    reason: Reason = Field(examples=[Reason.NO_THRESHOLD])
    code: str | None = Field(
        description="Null unless `decision` is `automatic`.", examples=[None, "0101"]
    )
    title: str | None = Field(description="Of `code`.", examples=[None, "Voirie"])
    confidence: float = Field(
        ge=0, le=1, description="What the threshold is compared with.", examples=[0.8123]
    )
    candidates: list[Candidate] = Field(description="The likeliest first; none when refused.")
    prediction_set: list[str] | None = Field(
        description="Codes among which the true one is, as often as promised; null if unknown."
    )
    prediction_set_complete: bool | None = Field(
        description="False when `top_k` cut the set: it then holds the true code less often."
    )
    roll_up: RollUp | None = Field(
        description="Under review, the deepest level above that meets its own target, if any."
    )
    explanation: Explanation | None = Field(
        description="Why the first candidate comes first; null if not asked for, or when refused."
    )


class SinglePrediction(Prediction):
    """The answer to one text, with what a batch says once."""

    id: str | None = Field(description="As received.")
    model: ModelIdentity
    guarantee: Guarantee


class _Told(BaseModel):
    """What a problem tells; a field that says nothing is left out."""

    model_config = ConfigDict(extra="forbid")


class FieldError(_Told):
    """What is wrong in a request, and where."""

    detail: str
    pointer: str | None = Field(None, description="In the body (RFC 6901).", examples=["#/text"])
    parameter: str | None = Field(None, description="In the address.", examples=["limit"])


class ItemError(_Answer):
    """Why an item of a batch got no prediction; the others are answered."""

    type: str = Field(examples=["urn:libelle:problem:invalid-item"])
    title: str
    detail: str
    errors: list[FieldError]


class Problem(_Told):
    """Why a request got no answer (RFC 9457). It never repeats what was sent."""

    type: str = Field(
        description="Stable identifier of this kind of problem.",
        examples=["urn:libelle:problem:invalid-request"],
    )
    title: str = Field(examples=["The request is not valid"])
    status: int = Field(ge=400, le=599, examples=[422])
    detail: str = Field(examples=["1 field is not as it should be: see errors."])
    request_id: str = Field(description="To quote when asking for help.")
    errors: list[FieldError] | None = None
    feedback_id: str | None = Field(
        None,
        description="Of a conflict: the verdict that stands.",
        examples=["5d2c6b0f4e1a48d79b3f0a8c7e6d5f41"],
    )


class BatchResult(_Answer):
    """What became of one item: a prediction or an error."""

    id: str | None = Field(description="As received; null when it was not text.")
    prediction: Prediction | None
    error: ItemError | None


class BatchAnswer(_Answer):
    """The answers to a batch, in its order."""

    model: ModelIdentity
    guarantee: Guarantee
    results: list[BatchResult]


class ModelList(_Answer):
    """The models that this service answers for."""

    models: list[ModelIdentity]


class NomenclatureSummary(_Answer):
    """The codes that have a title."""

    n_codes: int
    levels: list[int] = Field(description="Depths, 1 at the top.")


class Threshold(_Answer):
    """A threshold that the model was certified for, or could not be."""

    id: str
    target_error: float = Field(description="Wanted share of errors.", examples=[0.05])
    delta: float = Field(description="Probability spent on this statement.", examples=[0.025])
    status: GuaranteeStatus
    threshold: float | None = Field(description="Lowest confidence coded automatically.")
    rule: str = Field(description="How it was looked for.", examples=["anchored"])
    n_texts: int = Field(description="Certifying texts, refused ones left out.")
    n_automatic: int = Field(description="Those at or above the threshold.")
    n_errors: int = Field(description="The wrong ones among these.")
    bound: float | None = Field(description="Proved upper limit of the share of errors.")
    coverage: float = Field(description="Share of automatic texts among all.")
    data_digest: str = Field(description="Of the certifying texts.")
    reachable_error: float | None = Field(
        description="Without a threshold, about the smallest error that could be proved."
    )
    n_texts_needed: int | None = Field(
        description="Without a threshold, about how many certifying texts it would take."
    )


class RollUpThreshold(Threshold):
    """The threshold from which a text in doubt gets a code above, proved among such texts."""

    cut: float = Field(description="A text's own confidence must be under it.")
    plan: list[list[float]] = Field(description="Cuts and starts fixed before the proof.")


class ModelDescription(ModelIdentity):
    """The model that answers."""

    nomenclature: NomenclatureSummary
    n_codes: int = Field(description="Codes that the model may answer.")
    guarantee: Guarantee
    verdict: Literal["holds", "in_doubt", "broken"] | None = Field(
        description="What the last audit says of this promise; null when none was published."
    )
    thresholds: list[Threshold] = Field(description="The first one is active by default.")
    levels: dict[str, list[Threshold]] = Field(
        description="Thresholds of the levels above, by depth."
    )
    roll_up: list[RollUpThreshold | None] = Field(
        description="Of each target: from where a text in doubt gets a code above."
    )
    metrics: dict[str, Any] = Field(description="Measured when the model was made.")
    loaded_at: AwareDatetime


class CodeSummary(CodeReference):
    """A code found."""

    level: int = Field(description="Depth, 1 at the top.")
    parent: str | None


class CodePage(_Answer):
    """A page of the codes found."""

    total: int = Field(description="Codes found, on all pages.")
    limit: int
    offset: int
    codes: list[CodeSummary]


class CodeDetails(CodeReference):
    """A code, what stands above it and just below."""

    level: int = Field(description="Depth, 1 at the top.")
    parents: list[CodeReference] = Field(description="The nearest first.")
    children: list[CodeReference]


class FeedbackAnswer(_Answer):
    """A verdict that stands."""

    feedback_id: str = Field(
        description="What `replaces` names to take its place.",
        examples=["5d2c6b0f4e1a48d79b3f0a8c7e6d5f41"],
    )
    prediction_id: str = Field(examples=["947a95bd-00c1-877f-975c-b6ee3ca22e8e"])
    verdict: FeedbackVerdict = Field(examples=[FeedbackVerdict.CONFIRMED])
    code: str | None = Field(description="The right one, if the verdict names it.")
    given_at: AwareDatetime
    replaces: str | None = Field(description="The verdict that stood before, if any.")


class SessionAnswer(_Answer):
    """A session, whose cookie comes with the answer."""

    client: str = Field(description="Whose key it was.")
    scopes: list[Scope] = Field(description="What the session lets do.")
    csrf_token: str = Field(description="For the header `X-CSRF-Token` of writes.")
    expires_at: AwareDatetime


class Liveness(_Answer):
    """The process runs."""

    status: str = Field(examples=["live"])


class Reload(_Answer):
    """What became of the models that should have taken the place of another."""

    n_reloads: int = Field(description="Since the service started.")
    n_failures: int = Field(description="Since the service started.")
    failure: Literal["refused", "unreachable"] | None = Field(
        description="Of the last try: the model before goes on; null when it succeeded."
    )
    failed_at: AwareDatetime | None
    from_cache: bool = Field(
        description="The registry was down at the start: the model is the last one that it gave."
    )


class Readiness(_Answer):
    """The model answers its golden texts."""

    status: str = Field(examples=["ready"])
    model: ModelIdentity
    reload: Reload
    log: Literal["off", "kept", "degraded"] = Field(
        description="Whether predictions are logged; degraded while rows are lost."
    )
