"""Arguments that several tools share, described once."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from .results import MAX_REPLY_TOKENS

Query: TypeAlias = Annotated[str, Field(description="Best a full question")]
CollectionName: TypeAlias = Annotated[str, Field(description="Which collection")]
SAME = Field(description="See search_and_rerank")  # tools/list has no room to describe these twice

Queries: TypeAlias = Annotated[list[str], Field(description="Other phrasings of it, searched together")]
FieldWeights: TypeAlias = Annotated[
    dict[str, float], Field(description='Weights of dense vectors: {"title": 0.6, "text": 0.4}')
]
Like: TypeAlias = Annotated[list[str], Field(description="passage_ids: more like these, with a query or without")]
Unlike: TypeAlias = Annotated[list[str], Field(description="passage_ids: less like these")]
Diversity: TypeAlias = Annotated[float, Field(description="MMR: 0 off, 1 most diverse", ge=0, le=1)]
Recency: TypeAlias = Annotated[
    dict[str, Any], Field(description='{"field": "date", "half_life_days": 30}: newer first, gently')
]
Boost: TypeAlias = Annotated[
    dict[str, dict[str, float]], Field(description='{"kind": {"docs": 1.5, "chat": 0.5}}: factors 0-2')
]
Limit: TypeAlias = Annotated[int, Field(description="Most hits to return", ge=1, le=100)]
Offset: TypeAlias = Annotated[int, Field(description="next_offset of the page before", ge=0, le=199)]
ModeName: TypeAlias = Annotated[
    Literal["hybrid", "dense", "keyword"],
    Field(description="By meaning (dense), by words (keyword), or both"),
]
FilterObject: TypeAlias = Annotated[
    dict[str, Any],
    Field(
        description='{"lang": "en", "year": {"gte": 2020}, "tag": ["a", "b"], "title": {"match": "some words"}, '
        '"source": {"prefix": "/srv/docs/"}, "not": {"draft": true}, "any": [{...}, {...}]}'
    ),
]
PerDocument: TypeAlias = Annotated[int, Field(description="Most hits of one document; 0: any", ge=0, le=100)]
Detail: TypeAlias = Annotated[Literal["concise", "full"], Field(description="full adds metadata, scores, ranks")]
MaxTokens: TypeAlias = Annotated[int, Field(description="Size of the reply", ge=200, le=MAX_REPLY_TOKENS)]
RerankerName: TypeAlias = Annotated[str, Field(description='"default", "none" or a configured name')]
