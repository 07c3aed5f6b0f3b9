"""The head of a reranker as ONNX: training.network.InteractionHead for one pair, with slices in place of masks."""

import numpy as np

from .builder import GraphWriter
from .linear import Floats, Weights

UNIT = {"axis": -1, "p": 2}


def write_interaction(graph: GraphWriter, hidden: str, types: str, head: Weights) -> str:
    """Return the name of the score, float32 [1], of hidden states [1, tokens, hidden] and types [1, tokens]."""
    query, passage = _halves(graph, hidden, types)
    matched = _matched(graph, query, passage, head["importance.weight"])
    means = _means(graph, query, passage)
    scaled = [
        graph.node("Mul", [value, graph.constant(f"{value}.scale", scale)], f"{value}.scaled")
        for value, scale in zip((matched, means), np.split(head["scales"], 2), strict=True)
    ]
    summary = _summary(graph, query, head)
    return graph.node("Sum", [*scaled, summary], "score")


def _halves(graph: GraphWriter, hidden: str, types: str) -> tuple[str, str]:
    """Return the vectors of query and passage, [tokens, hidden] each."""
    rows = graph.node("Squeeze", [hidden, _integer(graph, "batch_axis", 0)], "rows")
    axis, last = _integer(graph, "row_axis", 0), _integer(graph, "end", np.iinfo(np.int64).max)
    second = graph.node("ReduceSum", [types], "second", attributes={"keepdims": 0})
    count = graph.node("Size", [types], "size")
    first = graph.node("Sub", [count, second], "first")
    border = graph.node("Unsqueeze", [first, axis], "border")
    query = graph.node("Slice", [rows, _integer(graph, "zero", 0), border, axis], "query")
    return query, graph.node("Slice", [rows, border, last, axis], "passage")


def _matched(graph: GraphWriter, query: str, passage: str, importance: Floats) -> str:
    """Return the weighted mean over the query's tokens of the best cosine with one of the passage's, [1]."""
    units = [graph.node("LpNormalization", [half], f"{half}.unit", attributes=UNIT) for half in (query, passage)]
    transposed = graph.node("Transpose", [units[1]], "transposed", attributes={"perm": [1, 0]})
    cosines = graph.node("MatMul", [units[0], transposed], "cosines")
    best = graph.node("ReduceMax", [cosines, _integer(graph, "last", -1)], "best", attributes={"keepdims": 0})
    logits = graph.node("MatMul", [query, graph.constant("importance", importance[0])], "logits")
    weights = graph.node("Softmax", [logits], "weights", attributes={"axis": 0})
    product = graph.node("Mul", [weights, best], "weighted")
    return graph.node("ReduceSum", [product, _integer(graph, "row_axis", 0)], "matched", attributes={"keepdims": 1})


def _means(graph: GraphWriter, query: str, passage: str) -> str:
    """Return the cosine of the two halves' mean vectors, [1]."""
    axis = _integer(graph, "row_axis", 0)
    units: list[str] = []
    for half in (query, passage):
        mean = graph.node("ReduceMean", [half, axis], f"{half}.mean", attributes={"keepdims": 0})
        units.append(graph.node("LpNormalization", [mean], f"{half}.mean.unit", attributes=UNIT))
    product = graph.node("Mul", units, "mean.product")
    return graph.node("ReduceSum", [product, axis], "means", attributes={"keepdims": 1})


def _summary(graph: GraphWriter, query: str, head: Weights) -> str:
    """Return the linear layer on [CLS], the first of the query's tokens, [1]."""
    axis = _integer(graph, "row_axis", 0)
    first = graph.node("Slice", [query, _integer(graph, "zero", 0), _integer(graph, "one", 1), axis], "cls")
    product = graph.node("MatMul", [first, graph.constant("summary", head["summary.weight"][0])], "summary.product")
    return graph.node("Add", [product, graph.constant("summary.bias", head["summary.bias"])], "summary.sum")


def _integer(graph: GraphWriter, name: str, value: int) -> str:
    return graph.constant(name, np.array([value], np.int64))
