"""Whatever is sent, the answer is one of those the schema names."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.api.hostile import ANY_BODY, JSON


@given(body=st.binary(max_size=60))
def test_s8_random_bytes_are_not_json(client, body):
    response = client.post("/v1/predict", content=body, headers={"Content-Type": JSON})
    assert response.status_code in (400, 422)


@given(body=ANY_BODY)
def test_s8_random_json_never_fails_the_service(client, body):
    content, headers = json.dumps(body), {"Content-Type": JSON}
    for path in ("/v1/predict", "/v1/predict/batch"):
        response = client.post(path, content=content, headers=headers)
        assert response.status_code in (200, 400, 422)
