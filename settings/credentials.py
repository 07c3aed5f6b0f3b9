"""Which settings, and which variables that libraries read, hold secrets."""

import os
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, SecretStr

from ..core.masking import SECRETS

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")  # the HTTP clients use them, login included

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # sent when a model is downloaded


def mask_from_environment() -> None:
    """Mask the secrets in variables that are not settings, but that libraries send."""
    for name in PROXIES:
        SECRETS.add_url(os.environ.get(name, ""))
        SECRETS.add_url(os.environ.get(name.lower(), ""))
    for name in TOKENS:
        SECRETS.add(os.environ.get(name, ""))


def mask_from(section: BaseModel) -> None:
    """Mask the keys in settings, the logins in their URLs, and options of plug-ins that are secret by their names."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            mask_from(value)
        elif isinstance(value, SecretStr):
            SECRETS.add(value.get_secret_value())
        elif isinstance(value, Mapping):
            _mask_from_mapping(cast("Mapping[str, Any]", value))
        elif isinstance(value, str):
            _mask_from_text(name, value)


def _mask_from_mapping(values: Mapping[str, Any]) -> None:
    """Mask the secrets in a table of rows, or in the options of a plug-in."""
    for name, value in values.items():
        if isinstance(value, BaseModel):
            mask_from(value)
        elif isinstance(value, Mapping):
            _mask_from_mapping(cast("Mapping[str, Any]", value))
        elif isinstance(value, str):
            SECRETS.add_named(name, value)
            _mask_from_text(name, value)


def _mask_from_text(name: str, value: str) -> None:
    if name.endswith("_env"):
        SECRETS.add(os.environ.get(value, ""))
    elif name.endswith("url") or "://" in value:
        SECRETS.add_url(value)
