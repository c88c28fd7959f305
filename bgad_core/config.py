"""The method's settings under the paper's symbols, frozen, and the presets that combine them."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Precision = Literal["float32", "bfloat16"]
Variant = Literal["bgad", "nfad", "bgad-without", "bgad-full-push"]
VARIANTS: tuple[Variant, ...] = ("bgad", "nfad", "bgad-without", "bgad-full-push")
NORMALS_ONLY: tuple[Variant, ...] = ("nfad", "bgad-without")  # the ablations that no anomaly enters


@dataclass(frozen=True)
class BackboneConfig:
    """The frozen feature extractor: any timm model with `features_only`.

    Attributes:
        name: timm's name of the model.
        weights: a safetensors file with its weights; None takes them from timm's hub.
        built_in: True for the seeded, untrained network whose normalisation is calibrated on the normals.
        out_indices: timm's indices of the feature levels.
        precision: of its convolutions; features of another precision are other features.
    """

    name: str
    weights: str | None = None
    built_in: bool = False
    out_indices: tuple[int, ...] = (1, 2, 3)
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        _checked(self.precision)


@dataclass(frozen=True)
class FlowConfig:
    """One conditional flow per level (Sec. 3.1), built of FrEIA's AllInOneBlock.

    Attributes:
        blocks: number of coupling blocks.
        clamp: FrEIA's `affine_clamping`.
        position_channels: width of the 2D sinusoidal position embedding that conditions each block; a multiple of 4.
        hidden: width of a subnet's hidden layer, in multiples of its input.
        precision: of the matrix products, in training, calibration and scoring alike; log-determinants and parameters
            are float32 in both.
    """

    blocks: int = 8
    clamp: float = 1.9
    position_channels: int = 128
    hidden: float = 2.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        _checked(self.precision)


@dataclass(frozen=True)
class BoundaryConfig:
    """The explicit boundary (Sec. 3.2).

    Attributes:
        beta: share of normal features below b_n.
        tau: margin between b_n and b_a, in units of the normalised log-likelihood.
        alpha_n: normaliser of the log-likelihood per dimension.
        part_beta: share of calibration parts whose lowest fused log-likelihood may lie below the part's b_n.
    """

    beta: float = 0.01
    tau: float = 0.1
    alpha_n: float = 10.0
    part_beta: float = 0.05


@dataclass(frozen=True)
class TrainingConfig:
    """The schedule of both phases.

    Attributes:
        epochs_one, epochs_two: passes of phase 1 (normals, ML) and phase 2 (ML and BG-SPP).
        positions: feature vectors drawn per image, pass and level; None draws all. None for all levels is the paper's.
        images_per_batch: images whose features are drawn together.
        batch: feature vectors per optimiser step.
        rate: Adam's learning rate; it warms up over `warm_up` passes and falls as a cosine to a hundredth.
        warm_up: passes of linear warm-up of each phase.
        weight: lambda, the weight of BG-SPP (Eq. 9).
        focal: focal weights of the authors' code; off in the paper's equations.
        pastes: RPAG images of a run, drawn once, the known anomalies taking turns; None for one of each.
        anomalous: share of anomalous images (known or pasted) in each phase-2 batch of images.
        transforms: S, the number of RPAG transforms per paste.
    """

    epochs_one: int = 8
    epochs_two: int = 192
    positions: tuple[int, ...] | None = None
    images_per_batch: int = 32
    batch: int = 4096
    rate: float = 2e-4
    warm_up: int = 16
    weight: float = 1.0
    focal: bool = True
    pastes: int | None = None
    anomalous: float = 0.25
    transforms: int = 3


@dataclass(frozen=True)
class ScoringConfig:
    """How the levels become one map and one score.

    Attributes:
        fusion: "standardised" puts each level on one scale by its calibration normals before the mean (ours);
            "likelihood" sums exp(log p - reference) over the levels, as the authors' code does.
        blur: standard deviation of a Gaussian over the fused map, in cells of the finest level; 0 for none.
        levels: the levels that are fused, counted from 1; None takes all.
    """

    fusion: Literal["standardised", "likelihood"] = "standardised"
    blur: float = 1.0
    levels: tuple[int, ...] | None = None


@dataclass(frozen=True)
class BGADConfig:
    """Everything that a model is made from, besides the images.

    Attributes:
        size: side of the square that images are resized to, in pixels; any size that the backbone takes.
        tile: pixels of the image that one input of `size` shows, see `tiling`; None shows the whole image, squeezed.
        smoothing: odd side of the average filter over each level's features; 1 for none.
        whitening: what is done to a level's features before its flow, by statistics of the training normals: "none";
            "channels" brings each channel to mean 0 and deviation 1; "full" makes them uncorrelated too (ZCA).
        variant: `bgad`, or one of the paper's ablations.
        seed: of the flows' weights and of every draw.
    """

    backbone: BackboneConfig
    size: int = 256
    smoothing: int = 1
    whitening: Literal["none", "channels", "full"] = "none"
    flow: FlowConfig = field(default_factory=FlowConfig)
    boundary: BoundaryConfig = field(default_factory=BoundaryConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    variant: Variant = "bgad"
    seed: int = 0
    tile: int | None = None

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant {self.variant!r} is not known: choose one of {', '.join(VARIANTS)}")
        if self.smoothing % 2 == 0:
            raise ValueError(f"smoothing {self.smoothing} is even: the filter needs a middle, take an odd number")
        if self.tile is not None and self.tile < 16:
            raise ValueError(f"a tile of {self.tile} pixels shows nothing: give at least 16, or None")

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; without `tile` where there is none, as before there were tiles."""
        values = asdict(self)
        return values if self.tile is not None else {name: value for name, value in values.items() if name != "tile"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BGADConfig":
        """The config that `to_dict` wrote; lists become tuples again.

        Raises:
            KeyError, TypeError: not such a dictionary.
        """
        parts = {
            "backbone": BackboneConfig,
            "flow": FlowConfig,
            "boundary": BoundaryConfig,
            "training": TrainingConfig,
            "scoring": ScoringConfig,
        }
        made = {name: part(**_tuples(values[name])) for name, part in parts.items()}
        return cls(**{**values, **made})


def in_precision(config: BGADConfig, precision: Precision) -> BGADConfig:
    """The config with its backbone and its flows in a precision: made once for a version, which keeps it for good."""
    backbone, flow = replace(config.backbone, precision=precision), replace(config.flow, precision=precision)
    return replace(config, backbone=backbone, flow=flow)


def _checked(precision: str) -> None:
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision {precision!r} is not known: choose float32 or bfloat16")


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def paper(backbone: BackboneConfig) -> BGADConfig:
    """What the authors published as defaults: 25 x 8 passes over all positions, the first 8 of them on normals only."""
    return BGADConfig(backbone, scoring=ScoringConfig(fusion="likelihood", blur=0.0))


def product(backbone: BackboneConfig) -> BGADConfig:
    """Minutes on two cores instead of hours; `bgad_core/README.md` has what each departure bought."""
    return BGADConfig(
        backbone,
        smoothing=3,
        whitening="full",
        flow=FlowConfig(blocks=6, position_channels=32),
        training=TrainingConfig(
            epochs_one=10,
            epochs_two=20,
            positions=(512, 256, 128),
            rate=1e-3,
            warm_up=1,
            focal=False,
            pastes=400,
            anomalous=0.4,
        ),
        scoring=ScoringConfig(blur=0.5),
    )


def demo(backbone: BackboneConfig) -> BGADConfig:
    """A minute or two on two cores, for synthetic parts."""
    return BGADConfig(
        backbone,
        smoothing=3,
        whitening="full",
        flow=FlowConfig(blocks=4, position_channels=32),
        training=TrainingConfig(
            epochs_one=16,
            epochs_two=10,
            positions=(256, 256, 128),
            rate=2e-3,
            warm_up=1,
            focal=False,
            pastes=60,
            anomalous=0.4,
        ),
        scoring=ScoringConfig(blur=0.5),
    )
