"""Which systems are compared, and how each is asked."""

from dataclasses import replace

from resift.evaluation.systems import (
    FINAL,
    LLM,
    REPHRASED,
    SYSTEMS,
    WITH_FEEDBACK,
    EvaluationTarget,
    available_systems,
    questions_by_depth,
    questions_by_system,
)


def test_language_model_is_compared_only_where_there_is_one() -> None:
    assert available_systems(["default", "none"]) == SYSTEMS
    compared = available_systems(["default", "none", "llm"])
    assert compared == (*SYSTEMS, LLM)
    assert questions_by_system(EvaluationTarget("c", reranker="maxsim"), compared)["+ LLM"].reranker == "llm"


def test_phrasings_of_a_language_model_are_a_system_of_their_own() -> None:
    compared = available_systems(["default", "none", "llm"], rephrases=True)
    assert compared == (*SYSTEMS, LLM, REPHRASED)
    target = EvaluationTarget("c", stops_early=True)
    asked = questions_by_system(target, compared)
    assert [name for name, question in asked.items() if question.rephrase] == ["+ rephrase"]
    assert replace(asked["+ rephrase"], rephrase=False) == asked[FINAL]
    assert not any(question.rephrase for question in questions_by_depth(target, (10, 50)).values())


def test_second_search_is_a_system_of_its_own() -> None:
    compared = available_systems(["default", "none"], feedback=True, rephrases=True)
    assert compared == (*SYSTEMS, WITH_FEEDBACK, REPHRASED)
    target = EvaluationTarget("c", stops_early=True)
    asked = questions_by_system(target, compared)
    assert [name for name, question in asked.items() if question.feedback is None] == ["+ feedback"]
    assert replace(asked["+ feedback"], feedback=0) == asked[FINAL]
    assert not any(question.feedback for question in questions_by_depth(target, (10, 50)).values())


def test_chosen_reranker_replaces_the_default_one_only() -> None:
    asked = questions_by_system(EvaluationTarget("c", reranker="maxsim", depth=30))
    assert [each.reranker for each in asked.values()] == ["none", "none", "none", "maxsim", "maxsim"]
    assert list(asked) == [system.name for system in SYSTEMS]
    assert {each.per_document for each in asked.values()} == {1}
    assert (asked[FINAL].depth, asked[FINAL].limit, asked[FINAL].rerank_weight) == (30, 30, None)
    assert list(questions_by_depth(EvaluationTarget("c"), (10, 200, 5))) == [200, 10, 5]


def test_only_final_systems_stop_early() -> None:
    asked = questions_by_system(EvaluationTarget("c", stops_early=True))
    assert {name: question.depth for name, question in asked.items()} == {
        "dense": 50,
        "BM25": 50,
        "hybrid": 50,
        "hybrid + rerank": 50,
        "+ blend": 0,
    }
