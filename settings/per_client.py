"""The settings that each client of an engine has for itself: what it may read and change."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import NoDecode

from ..core.errors import InvalidInput
from .problems import PREFIX, misfit


class ClientSettings(BaseModel):
    """What a client may read and change."""

    ingest_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="The folders that the MCP tools may read, separated as in PATH. If empty, the working directory "
        "of the client.",
    )
    read_only: bool = Field(
        default=False,
        description="Whether clients may only search and read: the tools that add, change and delete are left out.",
    )

    @field_validator("ingest_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @classmethod
    def decode(cls, values: Mapping[str, str]) -> Self:
        """Return the settings that `location.own_settings` found in the process of a client.

        Raises:
            InvalidInput: A value is invalid.
        """
        try:
            return cls.model_validate({name.removeprefix(PREFIX).lower(): value for name, value in values.items()})
        except ValidationError as error:
            raise InvalidInput(misfit(error)) from error

    def differing(self, other: "ClientSettings") -> frozenset[str]:
        """Return the names of the settings in which two clients, or a client and its engine, differ."""
        return frozenset(name for name in ClientSettings.model_fields if getattr(self, name) != getattr(other, name))
