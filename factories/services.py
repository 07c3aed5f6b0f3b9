"""What the API calls; built once per engine."""

from dataclasses import dataclass

from ..ingest.ingestor import Ingestor
from ..ingest.removal import Remover
from ..ingest.roots import Roots
from ..pipeline.search import Pipeline
from ..store.collection import Store
from ..store.feedback_log import FeedbackLog


@dataclass(frozen=True, slots=True)
class Services:
    """The packages below, and limits from the settings."""

    pipeline: Pipeline
    ingestor: Ingestor
    remover: Remover
    store: Store
    roots: Roots
    max_file_bytes: int
    feedback: FeedbackLog | None = None
    """Where searches and what was used of them are kept; None keeps none."""
