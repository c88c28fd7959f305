"""anomalib's PatchCore and CFLOW as OpenVINO IR behind its own inferencer: made once, then timed on the images given.

Runs in the peers' environment, started by `bench.serve`. PatchCore: layers 2 and 3, a coreset of 1 % (anomalib keeps
10 %, which costs more); CFLOW: layers 1 to 3 and anomalib's defaults, its flows as drawn: what they learn changes no
time.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from anomalib.deploy import OpenVINOInferencer
from anomalib.models import Cflow, Patchcore

from bench.peers import Settings, _load, patchcore
from bgad_core.datasets import read_dataset

LAYERS = ("layer1", "layer2", "layer3")


def make(name: str, settings: Settings, dataset: Path, normals: int, folder: Path) -> Path:
    """The peer's IR; made where it is not there."""
    path = folder / name / "weights" / "openvino" / "model.xml"
    if path.is_file():
        return path
    off = {"pre_trained": False, "evaluator": False, "visualizer": False}
    if name == "patchcore":
        module = Patchcore(
            backbone=settings.backbone,
            layers=LAYERS[1:],
            pre_processor=Patchcore.configure_pre_processor((settings.size, settings.size)),
            **off,
        )
        module.model = patchcore(settings, read_dataset(dataset).train[:normals])
    else:
        size = (settings.size, settings.size)
        pre_processor = Cflow.configure_pre_processor(size)
        module = Cflow(backbone=settings.backbone, layers=LAYERS, pre_processor=pre_processor, **off)
        _load(module.model.encoder, settings)
    # One image at a time, as its inferencer takes them: its dynamic batch is fixed at the example's 2 (anomalib 2.7.0).
    alone = {"dynamic_axes": {}}
    module.eval().to_openvino(folder / name, input_size=(settings.size, settings.size), onnx_kwargs=alone)
    return path


def main() -> None:
    """Print one line of JSON: seconds of each image, per peer and precision."""
    options = argparse.ArgumentParser()
    options.add_argument("images", type=Path, help=".npy, uint8 (N, S, S, 3)")
    options.add_argument("--dataset", type=Path, required=True)
    options.add_argument("--weights", type=Path, required=True)
    options.add_argument("--work", type=Path, required=True)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--normals", type=int, default=100)
    given = options.parse_args()
    images = np.load(given.images)
    settings = Settings("resnet18", given.weights, images.shape[1], 0.0)
    times: dict[str, list[float]] = {}
    for name in ("patchcore", "cflow"):
        path = make(name, settings, given.dataset, given.normals, given.work)
        for words, config in (("its default", {}), ("float32", {"INFERENCE_PRECISION_HINT": "f32"})):
            config |= {"INFERENCE_NUM_THREADS": given.threads}
            peer = OpenVINOInferencer(path, device="CPU", config=config)
            for image in images[:3]:
                peer.predict(image)
            found = times.setdefault(f"{name}, {words}", [])
            for image in images:
                started = time.perf_counter()
                peer.predict(image)
                found.append(time.perf_counter() - started)
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
