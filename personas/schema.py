"""The JSON Schema of the front matter of a persona file, for editors.

What spans several fields or files (a lock needs its section, a dial its default) is for `persona` and `composition`.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from personas.fields import FrontMatter

ID = "persona/1"


def file_schema() -> dict[str, Any]:
    """Return the JSON Schema of what stands between the two lines `---`. All that it accepts, the models accept."""
    schema = FrontMatter.model_json_schema(schema_generator=_ForAuthors)
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": ID, **schema}


class _ForAuthors(GenerateJsonSchema):
    """Says only what helps to write: no null where a field may be left out, no empty defaults, no repeated names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default") is None or isinstance(made["default"], dict | list):
            made.pop("default", None)
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False
