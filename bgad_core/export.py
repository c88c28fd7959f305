"""Write a model's graph as ONNX and as OpenVINO IR. Needs the extra `[export]`: onnx, onnxscript, openvino."""

import logging
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch

from bgad_core.errors import ExportError
from bgad_core.graph import ScoringGraph
from bgad_core.model import BGAD

ONNX, IR = "graph.onnx", "graph.xml"
OPSET = 18
NEEDED = ("onnx", "onnxscript", "openvino")


def write_graph(model: BGAD, folder: Path) -> list[Path]:
    """The model as one graph, in both forms.

    Args:
        model: calibrated, on the CPU, with float32 products.
        folder: exists; gets graph.onnx, graph.xml and graph.bin.

    Returns:
        The files. Input `images`, uint8 (batch, S, S, 3) in RGB; outputs `fused` and `log_p` of `ScoringGraph`.

    Raises:
        ExportError: a package is missing, or the model's products are bfloat16, which ONNX Runtime has no CPU code for.
    """
    if lacking := [name for name in NEEDED if find_spec(name) is None]:
        raise ExportError(f"{', '.join(lacking)} is not installed: run `make install-export`")
    if {model.config.flow.precision, model.config.backbone.precision} != {"float32"}:
        raise ExportError(
            "the model's products are bfloat16, and its scores rest on that rounding, which the runtimes don't have: "
            "train a version with BGAD_PRECISION=float32 to export it"
        )
    size = model.config.size
    # Two images that differ: an example of one would make the batch look like a constant to the exporter.
    example = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        for name in ("torch.onnx", "onnx_ir", "onnxscript"):  # each tells of every constant that it folds
            logging.getLogger(name).setLevel(logging.ERROR)
        program = torch.onnx.export(
            ScoringGraph(model).eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=({0: batch},),
            input_names=["images"],
            output_names=["fused", "log_p"],
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise ExportError("torch gave no ONNX program: export with the torch that this release pins")
    program.save(folder / ONNX)
    _write_ir(folder)
    return [folder / ONNX, folder / IR, (folder / IR).with_suffix(".bin")]


def _write_ir(folder: Path) -> None:
    import openvino

    converted = openvino.convert_model(folder / ONNX)
    openvino.save_model(converted, folder / IR, compress_to_fp16=False)
