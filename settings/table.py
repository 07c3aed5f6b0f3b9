"""A table of the settings that differ from their defaults, without secrets."""

import os
import re

from pydantic import SecretStr
from rich.markup import escape
from rich.table import Table

from ..core.masking import MASK, SECRETS
from .load import Settings, all_settings
from .location import ENV_FILE
from .problems import TABLE

DATA_FOLDER = "RESIFT_DATA_DIR"  # always shown, because its default depends on the platform

_TOKENS = "HTTP__TOKENS"

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")


def settings_table(settings: Settings) -> Table:
    """Return the settings that differ from their defaults."""
    table = Table(title="Settings")
    for header in ("setting", "value", "default"):
        table.add_column(header, overflow="fold")  # a path or a name that is cut would be of no use
    table.caption = "Settings that are not listed have their defaults. docs/settings.md lists every one."
    if file := os.environ.get(ENV_FILE):
        table.add_row(ENV_FILE, escape(file), "")
    usual = Settings.model_construct()
    for name, _, _ in all_settings():
        if name == DATA_FOLDER or _raw(settings, name) != _raw(usual, name):
            value, default = shown(settings, name), shown(usual, name)
            table.add_row(name, escape(value), escape(default) if value != default else "the same")
    return table


def shown(settings: Settings, name: str) -> str:
    """Return the value of a setting as text; a secret is masked."""
    value = _raw(settings, name)
    if value is None:
        return ""
    if value and (isinstance(value, SecretStr) or _SECRET.search(name)):
        return MASK
    if name.endswith(_TOKENS):
        return ", ".join(row.name for row in settings.http.tokens)
    if name.lower().endswith(TABLE):
        return ", ".join(settings.rerankers)
    text = os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return SECRETS.mask(text)


def _raw(settings: Settings, name: str) -> object:
    value: object = settings
    for part in name.removeprefix("RESIFT_").lower().split("__"):
        value = getattr(value, part, "")
    return value
