"""The runtimes that a bundle's graph runs on. Both in float32: a graph that is rounded otherwise scores otherwise."""

import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from app.services.errors import Refused
from app.serving.bundle import Bundle

EngineName = Literal["openvino", "onnxruntime"]
ENGINES: tuple[EngineName, ...] = ("openvino", "onnxruntime")  # the faster one first
Run = Callable[[np.ndarray], np.ndarray]


def engine_of(bundle: Bundle, name: str = "auto", *, threads: int | None = None) -> tuple[EngineName, Run]:
    """The name of a runtime, and what brings uint8 images (B, S, S, 3) to fused maps (B, H, W) with it.

    Args:
        name: one of `ENGINES`, or "auto": the first that is installed.
        threads: of one inference; None for as many as there are cores.

    Raises:
        Refused: it is not installed.
    """
    here = [engine for engine in ENGINES if find_spec(engine) is not None]
    chosen = next((engine for engine in here if name in ("auto", engine)), None)
    if chosen is None:
        wanted = " nor ".join(ENGINES) if name == "auto" else name
        raise Refused(f"{wanted} is not installed: pip install --require-hashes -r requirements-serve.lock")
    make = {"openvino": _openvino, "onnxruntime": _onnxruntime}[chosen]
    return chosen, make(bundle, threads or os.cpu_count() or 1)


def _openvino(bundle: Bundle, threads: int) -> Run:
    import openvino

    core = openvino.Core()
    model = core.read_model(model=bundle.read("graph.xml"), weights=bundle.read("graph.bin"))
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # its own choice is bfloat16 where the processor has it
        "INFERENCE_NUM_THREADS": threads,
    }
    compiled = core.compile_model(model, "CPU", settings)
    mine = threading.local()

    def run(images: np.ndarray) -> np.ndarray:
        request: Any = getattr(mine, "request", None)
        if request is None:
            request = mine.request = compiled.create_infer_request()
        return np.array(request.infer({"images": images})["fused"])

    return run


def _onnxruntime(bundle: Bundle, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(bundle.read("graph.onnx"), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["fused"], {"images": images})[0]
