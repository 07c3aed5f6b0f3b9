"""What tests share: an event loop, settings of their own, and an engine over the embedded store and bundled models."""

import importlib.util
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from hypothesis import settings

import resift
from resift.core.values import Document
from resift.factories import engine as factory
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.ingest.parsers.protocols import USUAL_FIELDS, RecordFields
from resift.ingest.processes.pool import ParserPool
from resift.models import session
from resift.models.session import Session
from resift.settings.load import load_settings
from resift.store.qdrant import connection

# In a run in the background, such as under nohup, SIGINT may be ignored, and then also by all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BUNDLED_FOLDER = Path(resift.__file__).parent / "models"
DOCUMENTS = (
    Document(
        "brakes",
        "Brake pads",
        text="Worn brake pads squeal. Replace the pads on both wheels of an axle, and bed them in gently.",
        source="car/brakes.md",
        metadata={
            "system": "axle",
            "year": 2021,
            "price": 49.5,
            "oem": True,
            "since": "2021-03-01",
            "tags": ["safety", "wear"],
        },
    ),
    Document(
        "battery",
        "Starter battery",
        text="A battery loses capacity in the cold. Disconnect the negative terminal first, and charge it slowly.",
        source="car/battery.md",
        metadata={
            "system": "electrics",
            "year": 2019,
            "price": 120,
            "oem": False,
            "since": "2019-11-20",
            "tags": ["wear"],
        },
    ),
    Document(
        "radar",
        "Radar sensor",
        text="The radar sensor watches the blind spot and warns before a lane change. Calibrate it after a collision.",
        source="car/radar.md",
        metadata={
            "system": "electrics",
            "year": 2023,
            "price": 310.0,
            "oem": True,
            "since": "2023-06-15",
            "tags": ["safety"],
        },
    ),
    Document(
        "manual",
        "Workshop manual",
        text="\n\n".join(
            f"Step {step}. Loosen bolt number {step}, lift bracket {step} off its pins, clean the seat, "
            f"grease the thread lightly, and tighten bolt {step} to {step + 20} newton metres, crosswise and twice."
            for step in range(1, 41)
        ),
        source="car/manual.txt",
        metadata={"system": "engine", "year": 2020},
    ),
)

settings.register_profile("resift", deadline=None)  # timings are no tests
settings.load_profile("resift")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `torch` where torch is not installed."""
    if importlib.util.find_spec("sentence_transformers") is None:
        for item in items:
            if item.get_closest_marker("torch"):
                item.add_marker(pytest.mark.skip(reason="torch is not installed; `make test-all` installs it"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings of whoever runs the tests out of them, and let the tests run however little space is free."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("RESIFT_", "QDRANT_"))]:
            if not name.startswith("RESIFT_TEST_"):
                patch.delenv(name)
        empty = tmp_path_factory.mktemp("settings") / "empty.env"
        empty.touch()
        patch.setenv("RESIFT_ENV_FILE", str(empty))
        patch.setenv("RESIFT_MIN_FREE_MB", "0")
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_models() -> Iterator[None]:
    """Load each bundled model once: a session is never changed, and any number of threads may run it."""
    load = session._open  # pyright: ignore[reportPrivateUsage]
    loaded: dict[tuple[object, ...], Session] = {}

    def once(model: Path | bytes, providers: Sequence[str], *, exact: bool) -> Session:
        if not isinstance(model, Path) or BUNDLED_FOLDER not in model.resolve().parents:
            return load(model, providers, exact=exact)
        key = (model.resolve(), *providers, exact)
        if key not in loaded:
            loaded[key] = load(model, providers, exact=exact)
        return loaded[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_open", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_probe() -> Iterator[None]:
    """Wait for gRPC, not only as long as an idle machine takes: otherwise, REST would be spoken instead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "PROBE_TIMEOUT_S", 60.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_parsers() -> Iterator[None]:
    """Let all engines share the processes that parse: starting them for each would take longer than the tests."""

    class SharedPool(ParserPool):
        def close(self) -> None:
            """Leave the processes to the other engines."""

    pool = SharedPool()

    def pool_of(fields: RecordFields) -> ParserPool:
        return pool if fields == USUAL_FIELDS else ParserPool(1, record_fields=fields)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "open_parser_pool", pool_of)
        yield
    ParserPool.close(pool)


def open_engine(folder: Path) -> Engine:
    return build_engine(load_settings(data_dir=folder / "data"), roots=[folder])


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """An engine with nothing in it but what the module's tests bring; its root is the parent of its data directory."""
    built = open_engine(tmp_path_factory.mktemp("engine"))
    yield built
    await built.close()


async def _ingest_documents(folder: Path) -> None:
    built = open_engine(folder)
    report = await built.services.ingestor.ingest(Job("default", DOCUMENTS, total=len(DOCUMENTS)))
    assert report.added == len(DOCUMENTS)
    await built.close()


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for `open_engine` whose collection "default" holds `DOCUMENTS`; copy it before opening it."""
    folder = tmp_path_factory.mktemp("ingested")
    # In a thread: a module's event loop may be open, and a session's would stay open during tests that run their own.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, _ingest_documents, folder).result()
    return folder


@pytest.fixture(scope="module")
async def engine_with_documents(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """An engine whose collection "default" holds `DOCUMENTS`: three short ones and a long one; only for reading."""
    built = open_engine(shutil.copytree(ingested, tmp_path_factory.mktemp("engine_with_documents") / "root"))
    yield built
    await built.close()
