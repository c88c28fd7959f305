"""anomalib's PatchCore, PaDiM and CFLOW on the very splits of our protocol, measured by our metrics.

They run on the backbone weights that BGAD gets, at one size, one seed at a time. The known anomalies are gone from the
test set, as in `bgad_core.protocols.multi_class`; the peers cannot learn from them, and get the calibration normals to
learn from beside the others, which favours them. Each figure is kept as soon as it is there: a second call goes on.

    python -m bench.peers ../shared/data/screw ../shared/data/cookie --weights FILE --out bench-peers.json
"""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import anomalib
import numpy as np
import torch
from anomalib.data import ImageBatch, InferenceBatch
from anomalib.models.image.cflow.lightning_model import Cflow
from anomalib.models.image.padim.torch_model import PadimModel
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from lightning.pytorch import Trainer
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from bgad_core.data import Sample, read_image, resized
from bgad_core.datasets import read_dataset
from bgad_core.experiments import METRICS, measured_on
from bgad_core.features import as_batch
from bgad_core.protocols import Split, multi_class

BATCH = 16
CORESET = 0.01
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Settings:
    """What every peer is given.

    Attributes:
        backbone: timm's name, which anomalib looks its defaults up by.
        weights: a safetensors file for it.
        size: side of the square that images are resized to, in pixels.
        limit: seconds that a peer with epochs may train.
    """

    backbone: str
    weights: Path
    size: int
    limit: float


Rows = list[dict[str, Any]]
Predict = Callable[[Tensor], InferenceBatch]
Fit = Callable[[Settings, Sequence[Sample]], Predict]


def patchcore(settings: Settings, normals: Sequence[Sample]) -> Predict:
    """Layers 2 and 3, a coreset of 1 %, nine neighbours: anomalib's defaults but for the coreset (it keeps 10 %)."""
    model = PatchcoreModel(layers=("layer2", "layer3"), backbone=settings.backbone, pre_trained=False).train()
    _load(model.feature_extractor, settings)
    for images in _batches(normals, settings):
        model(images)
    model.subsample_embedding(CORESET)
    return model.eval()


def padim(settings: Settings, normals: Sequence[Sample]) -> Predict:
    """Layers 1 to 3, 100 features of ResNet-18 drawn: anomalib's defaults."""
    model = PadimModel(backbone=settings.backbone, layers=["layer1", "layer2", "layer3"], pre_trained=False).train()
    _load(model.feature_extractor, settings)
    for images in _batches(normals, settings):
        model(images)
    model.fit()
    return model.eval()


def cflow(settings: Settings, normals: Sequence[Sample]) -> Predict:
    """Layers 1 to 3 and anomalib's defaults otherwise, by its own training step, until the time is over."""
    layers = ("layer1", "layer2", "layer3")
    off: dict[str, Any] = {"pre_processor": False, "post_processor": False, "evaluator": False, "visualizer": False}
    module = Cflow(backbone=settings.backbone, layers=layers, pre_trained=False, **off)
    _load(module.model.encoder, settings)
    trainer = Trainer(
        max_time=timedelta(seconds=settings.limit),
        max_epochs=-1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )

    def collate(samples: list[Sample]) -> ImageBatch:
        return ImageBatch(image=_images(samples, settings))

    loader = DataLoader(list(normals), batch_size=8, shuffle=True, collate_fn=collate)
    trainer.fit(module, train_dataloaders=loader)
    _say(f"cflow: {trainer.global_step} steps, {trainer.current_epoch} whole epochs in {settings.limit:.0f} s")
    return module.model.eval()


PEERS: dict[str, Fit] = {"patchcore": patchcore, "padim": padim, "cflow": cflow}


def measured(fit: Fit, split: Split, settings: Settings, seed: int) -> dict[str, Any]:
    """Fit one peer on one split, score its test set, and take our metrics on maps of the settings' size."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    started = time.monotonic()
    predict = fit(settings, [*split.normals, *split.calibration])
    trained = time.monotonic() - started
    scores: list[float] = []
    maps: list[np.ndarray] = []
    with torch.inference_mode():
        for images in _batches(split.test, settings):
            found = predict(images)
            scores += found.pred_score.flatten().tolist()
            maps += list(found.anomaly_map.squeeze(1).float().numpy())
    return {**measured_on(split, scores, maps).to_dict(), "seconds": trained}


def run(folders: Sequence[Path], peers: Sequence[str], seeds: Sequence[int], settings: Settings, work: Path) -> Rows:
    """One row per peer, data set and seed, in that order; those in `work` are not measured again."""
    weights = hashlib.sha256(settings.weights.read_bytes()).hexdigest()
    rows = []
    for peer in peers:
        for folder in folders:
            dataset = read_dataset(folder)
            for seed in seeds:
                split = multi_class(dataset, seed=seed)
                limit = settings.limit if peer == "cflow" else None
                made_of = [peer, anomalib.__version__, split.sha256(), weights, settings.backbone, settings.size, limit]
                kept = work / f"{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:24]}.json"
                if not kept.is_file():
                    row = {"peer": peer, "dataset": dataset.name, "seed": seed, "split_sha256": split.sha256()}
                    row |= measured(PEERS[peer], split, settings, seed)
                    _write(kept, json.dumps(row))
                    _say(json.dumps(row))
                rows.append(json.loads(kept.read_text(encoding="utf-8")))
    return rows


def table(rows: Rows) -> str:
    """A line per peer and data set: image AUROC, pixel AUROC, PRO, AP, AUPIMO, mean and sample deviation over seeds."""
    lines = [
        "| peer | data set | " + " | ".join(METRICS) + " | training, s |",
        "|---|---|" + "---|" * (len(METRICS) + 1),
    ]
    for peer, dataset in dict.fromkeys((row["peer"], row["dataset"]) for row in rows):
        chosen = [row for row in rows if (row["peer"], row["dataset"]) == (peer, dataset)]
        cells = [_cell([row[metric] for row in chosen]) for metric in METRICS]
        seconds = np.mean([row["seconds"] for row in chosen])
        lines.append(f"| {peer} | {dataset} | " + " | ".join(cells) + f" | {seconds:.0f} |")
    return "\n".join(lines)


def _cell(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    spread = f" ± {np.std(known, ddof=1):.3f}" if len(known) > 1 else ""
    return f"{np.mean(known):.3f}{spread}"


def _load(extractor: nn.Module, settings: Settings) -> None:
    """The weights file into anomalib's extractor: nothing is taken from a hub, and nothing may be missing."""
    network: nn.Module = extractor.feature_extractor  # type: ignore[assignment]
    network.load_state_dict({k: v for k, v in load_file(settings.weights).items() if k in network.state_dict()})


def _images(samples: Sequence[Sample], settings: Settings) -> Tensor:
    batch = as_batch([resized(read_image(sample.path), settings.size) for sample in samples])
    return (batch - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def _batches(samples: Sequence[Sample], settings: Settings) -> Iterator[Tensor]:
    for start in range(0, len(samples), BATCH):
        yield _images(samples[start : start + BATCH], settings)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Run, print the table and one line of JSON, write it where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("datasets", type=Path, nargs="+", help="folders of one category each")
    options.add_argument("--weights", type=Path, required=True, help="a safetensors file for the backbone")
    options.add_argument("--backbone", default="resnet18")
    options.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--size", type=int, default=256)
    options.add_argument("--limit", type=float, default=390.0, help="seconds that CFLOW may train")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--work", type=Path, default=Path("bench-peers.work"), help="finished figures, to go on later")
    options.add_argument("--out", type=Path, help="a .json file")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    settings = Settings(given.backbone, given.weights, given.size, given.limit)
    busy = os.getloadavg()[0]
    rows = run(given.datasets, given.peers, given.seeds, settings, given.work)
    facts = {"anomalib": anomalib.__version__, "threads": given.threads, "load": [busy, os.getloadavg()[0]]}
    line = json.dumps({**facts, "backbone": given.backbone, "size": given.size, "limit": given.limit, "rows": rows})
    if given.out:
        _write(given.out, line)
    _say(table(rows))
    _say(line)


if __name__ == "__main__":
    main()
