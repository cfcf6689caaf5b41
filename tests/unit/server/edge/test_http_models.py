"""`/v1/models`."""

from openai.types import Model as SdkModel

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World


def test_models() -> None:
    """Aliases and personas are models; what stands behind an alias is not told."""
    with visiting(World()) as client:
        response = client.get("/v1/models")
        listed = response.json()["data"]
        assert [model["id"] for model in listed] == ["gpt-4", "local", "persona:tutor"]
        for model in listed:
            SdkModel.model_validate(model, strict=True)
            assert client.get(f"/v1/models/{model['id']}").json() == model
        assert "secret-upstream-name" not in response.text
        assert listed[1]["demonstration"] is True
        assert error_of(client.get("/v1/models/nope")) == (404, "model_not_found")
