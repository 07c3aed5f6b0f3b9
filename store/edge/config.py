"""The configuration of a qdrant-edge shard, made from the manifest of its collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.vectors import TEXT_FIELD, VectorSpec
from ..index_options import IndexOptions
from ..manifest import Manifest

if TYPE_CHECKING:
    from qdrant_edge import (
        BinaryQuantizationConfig,
        EdgeConfig,
        EdgeSparseVectorParams,
        EdgeVectorParams,
        HnswIndexConfig,
        ScalarQuantizationConfig,
        TurboQuantQuantizationConfig,
    )


# Without the outliers the scale is finer: recall@50 before rescoring is better than over the full range, the default.
INT8_QUANTILE = 0.99

MERGED_FROM_KB = 1  # optimize everything whenever it is called; `IndexOptions` decides when that is


def shard_config(manifest: Manifest, *, passages: int = 0) -> EdgeConfig:
    """Return the configuration of a shard with the manifest's vectors, indexed for this many passages."""
    from qdrant_edge import EdgeConfig, EdgeOptimizersConfig

    specs, storage = manifest.vectors.items(), manifest.storage
    return EdgeConfig(
        vectors={name: _dense(spec, storage, passages) for name, spec in specs if spec.kind != "sparse"},
        sparse_vectors={name: _sparse(spec) for name, spec in specs if spec.kind == "sparse"},
        optimizers=EdgeOptimizersConfig(indexing_threshold=MERGED_FROM_KB, default_segment_number=1),
    )


def _dense(spec: VectorSpec, storage: IndexOptions, passages: int) -> EdgeVectorParams:
    from qdrant_edge import Distance, EdgeVectorParams, Memory, MultiVectorComparator, MultiVectorConfig

    if spec.kind == "multi":  # they only rescore the hits of other searches: no graph, and read from disk
        return EdgeVectorParams(
            spec.dimension,
            Distance.Cosine,
            multivector_config=MultiVectorConfig(MultiVectorComparator.MaxSim),
            hnsw_config=_graph(spec, storage, links=0),
            memory=Memory.Cold,
        )
    # Vectors of fields take space for every passage but are searched rarely, so they are read from disk.
    return EdgeVectorParams(
        spec.dimension,
        Distance.Cosine,
        quantization_config=_quantization(storage),
        hnsw_config=_graph(spec, storage, links=storage.links if storage.has_graph(passages) else 0),
        memory=Memory.Cold if storage.originals_on_disk or spec.field != TEXT_FIELD else Memory.Cached,
    )


def _graph(spec: VectorSpec, storage: IndexOptions, *, links: int) -> HnswIndexConfig:
    from qdrant_edge import HnswIndexConfig

    scanned_kb = storage.graph_from // 10 * spec.dimension * 4 // 1024  # below, the filtered points are scanned
    return HnswIndexConfig(links, storage.effort, full_scan_threshold=scanned_kb)


def _quantization(
    storage: IndexOptions,
) -> ScalarQuantizationConfig | TurboQuantQuantizationConfig | BinaryQuantizationConfig | None:
    from qdrant_edge import (
        BinaryQuantizationConfig,
        Memory,
        ScalarQuantizationConfig,
        ScalarType,
        TurboQuantBitSize,
        TurboQuantQuantizationConfig,
    )

    match storage.quantization:
        case "none":
            return None
        case "int8":
            return ScalarQuantizationConfig(ScalarType.Int8, quantile=INT8_QUANTILE, memory=Memory.Pinned)
        case "turbo4":
            return TurboQuantQuantizationConfig(bits=TurboQuantBitSize.Bits4, memory=Memory.Pinned)
        case "binary":
            return BinaryQuantizationConfig(memory=Memory.Pinned)


def _sparse(spec: VectorSpec) -> EdgeSparseVectorParams:
    from qdrant_edge import EdgeSparseVectorParams, Modifier

    return EdgeSparseVectorParams(modifier=Modifier.Idf if spec.idf else None)
