"""What other search tools call the arguments of Resift, so that a wrong name is answered with the right one."""

import re
from collections.abc import Iterable, Mapping

from ..core.errors import nearest

_SYNONYMS: Mapping[str, str] = {
    "query": "q question search search_query query_text search_term search_text query_string prompt input keywords",
    "limit": "top_k k n n_results num_results max_results top_n topn size count number_of_results rows page_size hits",
    "offset": "from from_ skip start page cursor",
    "collection": "collection_name collections collection_id index index_name namespace dataset database db store name",
    "filter": "where filters query_filter metadata_filter pre_filter where_document conditions must fq",
    "documents": "docs texts text content contents data items records chunks passages page_content",
    "passages": "documents docs texts candidates contents chunks results hits input",
    "paths": "path file files file_path file_paths filename filenames folder folders directory dir dirs uri url urls",
    "glob": "pattern include file_pattern glob_pattern match extensions",
    "document_id": "id doc_id document docid",
    "document_ids": "ids id doc_ids document_id documents doc_id",
    "passage_id": "chunk_id hit_id point_id node_id",
    "around": "window context before after neighbors neighbours",
    "mode": "search_type search_mode type strategy method",
    "reranker": "model rerank_model rerank ranker ranking_model",
    "depth": "rerank_depth rerank_top_k rerank_k num_candidates candidates fetch_k rerank_limit prefetch",
    "min_relevance": "threshold score_threshold min_score minimum_score similarity_threshold cutoff",
    "diversity": "mmr lambda lambda_mult mmr_lambda",
    "queries": "phrasings query_texts alternatives variants multi_query",
    "per_document": "group_size max_per_document per_doc group_by",
    "max_tokens": "token_limit tokens max_length max_chars max_characters",
    "detail": "verbose verbosity full include include_metadata with_payload return_documents",
    "time_budget_ms": "timeout timeout_ms time_budget deadline_ms",
    "instruction": "instructions criteria prompt task system_prompt",
    "like": "positive similar_to more_like_this examples",
    "unlike": "negative dissimilar_to",
    "boost": "boosts weights weight",
    "recency": "decay time_decay date_decay freshness",
    "fields": "vectors vector_weights weights search_fields",
    "prune": "sync mirror delete_missing remove_missing",
    "everything": "all delete_all",
    "text": "content body page_content document page value chunk",
    "title": "name heading subject",
    "source": "path url uri file filename link",
    "id": "doc_id document_id _id key uuid",
    "metadata": "meta metadatas payload attributes tags",
}
"""By argument, its names in Chroma, LangChain, LlamaIndex, Elasticsearch, Pinecone, Cohere and Qdrant."""

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'limit'?" for an argument that is not known, or nothing if the name suggests none."""
    names = list(known)
    plain = _CAPITAL.sub("_", name).lower().replace("-", "_").replace(" ", "_")
    if plain in names:
        return f" Did you mean {plain!r}?"
    meant = next((each for each in names if plain in _SYNONYMS.get(each, "").split()), "")
    return f" Did you mean {meant!r}?" if meant else nearest(plain, names)
