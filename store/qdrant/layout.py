"""The configuration of a collection at a Qdrant server, made from its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.vectors import VectorSpec
from ..index_options import IndexOptions, Quantization
from ..manifest import Manifest

if TYPE_CHECKING:
    from qdrant_client.models import (
        HnswConfigDiff,
        QuantizationConfig,
        SparseVectorParams,
        VectorParams,
        VectorParamsDiff,
    )


@dataclass(frozen=True, slots=True)
class ClusterLayout:
    """How new collections are distributed over a cluster and its disks; 0 uses the server's default."""

    replication_factor: int = 0
    shard_number: int = 0
    write_consistency_factor: int = 0
    payload_on_disk: bool = True


def dense_params(manifest: Manifest) -> dict[str, VectorParams]:
    """Return the configuration of the dense vectors and multivectors of a new collection."""
    specs = manifest.vectors.items()
    return {name: _dense(spec, manifest.storage) for name, spec in specs if spec.kind != "sparse"}


def vector_changes(manifest: Manifest) -> dict[str, VectorParamsDiff]:
    """Return the changes that give the dense vectors of an existing collection the manifest's settings."""
    from qdrant_client.models import Disabled, VectorParamsDiff

    return {
        name: VectorParamsDiff(
            hnsw_config=_graph(manifest.storage),
            quantization_config=_quantization(manifest.storage.quantization) or Disabled.DISABLED,
            on_disk=manifest.storage.originals_on_disk,
        )
        for name, spec in manifest.vectors.items()
        if spec.kind == "dense"
    }


def sparse_params(manifest: Manifest) -> dict[str, SparseVectorParams]:
    """Return the configuration of the sparse vectors of a new collection."""
    from qdrant_client.models import Modifier, SparseVectorParams

    return {
        name: SparseVectorParams(modifier=Modifier.IDF if spec.idf else None)
        for name, spec in manifest.vectors.items()
        if spec.kind == "sparse"
    }


def _dense(spec: VectorSpec, storage: IndexOptions) -> VectorParams:
    from qdrant_client.models import Distance, HnswConfigDiff, MultiVectorComparator, MultiVectorConfig, VectorParams

    on_disk = storage.originals_on_disk
    if spec.kind == "multi":
        return VectorParams(
            size=spec.dimension,
            distance=Distance.COSINE,
            on_disk=on_disk,
            multivector_config=MultiVectorConfig(comparator=MultiVectorComparator.MAX_SIM),
            hnsw_config=HnswConfigDiff(m=0),  # no graph: they only rescore the hits of other searches
        )
    return VectorParams(
        size=spec.dimension,
        distance=Distance.COSINE,
        on_disk=on_disk,
        hnsw_config=_graph(storage),
        quantization_config=_quantization(storage.quantization),
    )


def _graph(storage: IndexOptions) -> HnswConfigDiff:
    from qdrant_client.models import HnswConfigDiff

    return HnswConfigDiff(m=storage.links, ef_construct=storage.effort)


def _quantization(chosen: Quantization) -> QuantizationConfig | None:
    from qdrant_client import models

    match chosen:
        case "int8":
            scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
            return models.ScalarQuantization(scalar=scalar)
        case "turbo4":
            turbo = models.TurboQuantQuantizationConfig(bits=models.TurboQuantBitSize.BITS4, always_ram=True)
            return models.TurboQuantization(turbo=turbo)
        case "binary":
            return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
        case "none":
            return None
