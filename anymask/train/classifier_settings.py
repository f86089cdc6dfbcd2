"""Every setting of a classifier's training run, on one screen; saved inside each checkpoint."""

from dataclasses import dataclass, field

from anymask.network.classifier import ClassifierConfig
from anymask.train.settings import RunSettings


@dataclass(frozen=True)
class ClassifierSettings(RunSettings):
    """A training run of the classifier. The defaults are the recipe of the packaged one."""

    network: ClassifierConfig = field(default_factory=ClassifierConfig)
    workers: int = 0  # there is nothing to prepare
    steps: int = 2000

    # --- batches -----------------------------------------------------------------------------------------------
    masks: int = 512  # per step
    true: float = 0.4  # share of masks that a person drew
    strange: float = 0.3  # share of masks that are none of the objects
    balance: float = 0.5  # 0: labels are drawn as often as they are there, 1: equally often
    as_used: float = 0.4  # share of masks that are described in the view of use; the others in another one
    judged: int = 512  # further ones per step, of which the IoU is learnt
    judged_true: float = 0.13  # share of them that a person drew; of found ones half where all is labelled, if there

    # --- loss --------------------------------------------------------------------------------------------------
    smoothing: float = 0.05  # share of a label that goes to all of them
    class_gain: float = 0.3  # of ImageNet's classes, of which only the sharpness and "none of them" are learnt
    judge_gain: float = 1.0  # of the IoU

    # --- optimiser ---------------------------------------------------------------------------------------------
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 50
    decay_from: float = 0.2
