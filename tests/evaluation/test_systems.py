"""Which systems are compared."""

from resift.evaluation.systems import LLM, SYSTEMS, EvaluationTarget, questions, systems


def test_language_model_is_compared_only_where_there_is_one() -> None:
    assert systems(["default", "none"]) == SYSTEMS
    compared = systems(["default", "none", "llm"])
    assert compared == (*SYSTEMS, LLM)
    assert questions(EvaluationTarget("c", reranker="maxsim"), compared)["+ LLM"].reranker == "llm"
