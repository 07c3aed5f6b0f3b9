"""Sessions multiply int8 exactly on this processor, by whichever kernel that takes."""

import os
import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto

from resift.core.errors import ModelError
from resift.models.session import PROBE, int8_is_exact, open_session
from resift.training.graph.builder import GraphWriter, Tensor


def test_int8_products_are_exact() -> None:
    product = open_session(PROBE).run(["c"], {"a": np.full((1, 4), 255, np.uint8)})[0]
    assert product.item() == 4 * 255 * 127


def test_the_question_is_answered_once() -> None:
    assert int8_is_exact() is int8_is_exact()
    assert int8_is_exact.cache_info().currsize == 1


def test_probe_is_the_graph_that_its_comment_says() -> None:
    graph = GraphWriter()
    weights = graph.constant("b", np.full((4, 1), 127, np.int8))
    graph.node("MatMulInteger", ["a", weights], "c")
    inputs, outputs = [Tensor("a", TensorProto.UINT8, (1, 4))], [Tensor("c", TensorProto.INT32, (1, 1))]
    assert graph.model("probe", inputs, outputs).SerializeToString(deterministic=True) == PROBE


def test_failures_of_the_runtime_are_model_errors() -> None:
    with pytest.raises(ModelError, match=r"could not open the model: .*Download the whole folder of the model again"):
        open_session(b"no model at all")
    session = open_session(PROBE)
    with pytest.raises(ModelError, match=r"(?s)ONNX Runtime could not run the model.*Upgrade it"):
        session.run(["c"], {"a": np.full((1, 3), 1, np.uint8)})


def test_whatever_imports_the_runtime_first_its_reports_are_off_unless_somebody_chose_otherwise() -> None:
    ask = "import os, resift.encoders.sparse; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    plain = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for given, expected in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        done = subprocess.run(
            [sys.executable, "-c", ask], env=plain | given, check=True, capture_output=True, text=True
        )
        assert done.stdout.strip() == expected


def test_numpy_is_imported_before_the_runtime_so_that_models_can_be_opened_in_several_threads() -> None:
    ask = (
        "import sys; from resift.models.session import PROBE, open_session; open_session(PROBE, fits_int16=True); "
        "names = list(sys.modules); print(names.index('numpy') < names.index('onnxruntime.capi'))"
    )
    done = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "True"
