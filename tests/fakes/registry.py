"""A schema registry in memory."""

from __future__ import annotations

from streamgate.errors import Code, Unavailable, Unreadable


class FakeRegistry:
    """Schemas by id."""

    def __init__(self, schemas: dict[int, str]) -> None:
        self.schemas = schemas
        self.down = False
        self.asked: list[int] = []

    async def schema_text(self, schema_id: int) -> str:
        """As the port says."""
        self.asked.append(schema_id)
        if self.down:
            raise Unavailable(Code.UNKNOWN_SCHEMA, "registry")
        if schema_id not in self.schemas:
            raise Unreadable(Code.UNKNOWN_SCHEMA)
        return self.schemas[schema_id]
