"""A graph that computes in float32 throughout: not every runtime knows double."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto


def in_single(model: ModelProto) -> ModelProto:
    """The model with float32 wherever it has double: constants, conversions, outputs."""
    from onnx import ModelProto, TensorProto

    made = ModelProto()
    made.CopyFrom(model)
    graph: GraphProto = made.graph
    for tensor in graph.initializer:
        _narrow(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                _narrow(attribute.t)
            is_type = (node.op_type, attribute.name) in (("Cast", "to"), ("EyeLike", "dtype"))
            if is_type and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
    for value in (*graph.value_info, *graph.output):
        if value.type.tensor_type.elem_type == TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    return made


def _narrow(tensor: TensorProto) -> None:
    from onnx import TensorProto, numpy_helper

    if tensor.data_type == TensorProto.DOUBLE:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
