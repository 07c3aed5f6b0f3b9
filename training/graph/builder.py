"""Write an ONNX graph node by node; tensors are referred to by name, as in ONNX itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[np.generic]

Attribute = int | float | str | Sequence[int]

OPSET = 20  # the first with Gelu; supported since ONNX Runtime 1.17

IR_VERSION = 9  # the newest that ONNX Runtime 1.20, the oldest we support, is sure to read

MICROSOFT = "com.microsoft"  # the domain of ONNX Runtime's own, fused operators


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of the graph; a dimension is a number or a name."""

    name: str
    type: int
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class GraphWriter:
    """Collects nodes and constants in the order they are added, and returns a checked model."""

    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict[str, onnx.TensorProto])

    def constant(self, name: str, value: Array) -> str:
        """Add `value` under `name`, unless it is there, and return the name."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: str | Sequence[str],
        *,
        domain: str = "",
        attributes: Mapping[str, Attribute] | None = None,
    ) -> str:
        """Add an operator and return the name of its first output. An omitted input has an empty name."""
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        node = helper.make_node(kind, inputs, names, name=names[0], domain=domain)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in (attributes or {}).items())
        self.nodes.append(node)
        return names[0]

    def model(self, name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> onnx.ModelProto:
        """Return the finished model.

        Raises:
            onnx.checker.ValidationError: The graph is inconsistent.
        """
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(each.name, each.type, each.shape) for each in inputs],
            [helper.make_tensor_value_info(each.name, each.type, each.shape) for each in outputs],
            initializer=list(self.constants.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, producer_name="resift", opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)  # pyright: ignore[reportUnknownMemberType]
        return model
