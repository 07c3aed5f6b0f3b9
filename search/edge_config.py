"""A collection's manifest as the configuration of a qdrant-edge shard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .manifest import Manifest
from .vectors import VectorSpec

if TYPE_CHECKING:
    from qdrant_edge import EdgeConfig, EdgeSparseVectorParams, EdgeVectorParams


def shard_config(manifest: Manifest) -> EdgeConfig:
    """Return the configuration of a new shard with the manifest's vectors."""
    from qdrant_edge import EdgeConfig

    specs = manifest.vectors.items()
    return EdgeConfig(
        vectors={name: _dense(spec) for name, spec in specs if spec.kind != "sparse"},
        sparse_vectors={name: _sparse(spec) for name, spec in specs if spec.kind == "sparse"},
    )


def _dense(spec: VectorSpec) -> EdgeVectorParams:
    from qdrant_edge import Distance, EdgeVectorParams, HnswIndexConfig, MultiVectorComparator, MultiVectorConfig

    if spec.kind == "dense":
        return EdgeVectorParams(spec.dimension, Distance.Cosine)
    return EdgeVectorParams(
        spec.dimension,
        Distance.Cosine,
        multivector_config=MultiVectorConfig(MultiVectorComparator.MaxSim),
        hnsw_config=HnswIndexConfig(0, 0, 0),  # no graph: they only rescore what other searches find
    )


def _sparse(spec: VectorSpec) -> EdgeSparseVectorParams:
    from qdrant_edge import EdgeSparseVectorParams, Modifier

    return EdgeSparseVectorParams(modifier=Modifier.Idf if spec.idf else None)
