"""Arguments that several tools share, described once."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from .results import MAX_REPLY_TOKENS

Query: TypeAlias = Annotated[str, Field(description="Best a full question")]
CollectionName: TypeAlias = Annotated[str, Field(description="Which collection")]
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
        '"source": {"prefix": "docs/"}, "not": {"draft": true}, "any": [{...}, {...}]}'
    ),
]
PerDocument: TypeAlias = Annotated[int, Field(description="Most hits of one document; 0: any", ge=0, le=100)]
Detail: TypeAlias = Annotated[Literal["concise", "full"], Field(description="full adds metadata, scores, ranks")]
MaxTokens: TypeAlias = Annotated[int, Field(description="Size of the reply", ge=200, le=MAX_REPLY_TOKENS)]
RerankerName: TypeAlias = Annotated[str, Field(description='"default", "none" or a configured name')]
