"""Whatever is sent, within the description of the service or outside, has a described answer."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.generation import GenerationMode

from api.write_openapi import COMMITTED
from tests.api.test_serve import serving

CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
OPERATIONS = {
    result.ok().label: result.ok()
    for result in schemathesis.openapi.from_path(COMMITTED).get_all_operations()
}


# Of a route that takes nothing but its path, everything that can be sent is as described.
CASES = [
    (label, mode)
    for label, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.body or operation.query
]


@pytest.fixture(scope="module")
def address(model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzzing")
    variables = {
        "LIBELLE_LOG_URI": str(folder / "log"),
        "LIBELLE_SPOOL_PATH": str(folder / "spool"),
    }
    variables["LIBELLE_LOG_KEY"] = "k" * 40
    with serving(model_folder, folder, **variables) as (port, _, log):
        yield f"http://127.0.0.1:{port}"
        assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_every_route_answers_as_described(address, label, mode, request):
    operation = OPERATIONS[label]
    n_examples = 200 if request.config.getoption("--long") else 15

    @settings(
        max_examples=n_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case):
        case.call_and_validate(base_url=address, checks=CHECKS)

    answers()
