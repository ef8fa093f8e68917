"""Cases of the losses in losses/policy.py and losses/ppo.py."""

from typing import Any

from torch import Tensor

from .draw import BATCH, REAL, Case, drawn, index, normal

ACTIONS = drawn(logits=normal(BATCH, 4), action=index(4, BATCH), advantage=normal(BATCH))
CONTINUOUS = drawn(
    mu=normal(BATCH, 3),
    log_sigma=normal(BATCH, 3),
    action=normal(BATCH, 3),
    advantage=normal(BATCH),
)
PLAYED = drawn(
    logits=normal(BATCH, 4, 3),
    action=index(4, BATCH, 3),
    old_log_prob=lambda g: -1.4 + 0.2 * normal(BATCH, 3)(g),
    advantage=normal(BATCH, 3),
)
PLAYED_CONTINUOUS = drawn(
    mu=normal(BATCH, 3),
    log_sigma=normal(BATCH, 3),
    action=normal(BATCH, 3),
    old_log_prob=lambda g: -4 + normal(BATCH)(g),
    advantage=normal(BATCH),
)
VALUES = drawn(value=normal(BATCH, 1), old_value=normal(BATCH, 1), returns=normal(BATCH, 1))


def fulfilled(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """A critic that knew the returns."""
    return {"value": inputs["returns"].clone()}


CASES = {
    "policy_gradient": Case("policy_gradient", ACTIONS),
    "policy_gradient-steps": Case(
        "policy_gradient",
        drawn(logits=normal(BATCH, 4, 3), action=index(4, BATCH, 3), advantage=normal(BATCH, 3)),
    ),
    "a2c_actor": Case("a2c_actor", ACTIONS),
    "a2c_critic": Case("a2c_critic", REAL),
    "gaussian_policy_gradient": Case("gaussian_policy_gradient", CONTINUOUS, extreme=3.0),
    "gaussian_entropy": Case("gaussian_entropy", drawn(log_sigma=normal(BATCH, 3))),
    "deterministic_policy_gradient": Case(
        "deterministic_policy_gradient", drawn(value=normal(BATCH, 1))
    ),
    "ppo_clip": Case("ppo_clip", PLAYED, numeric=("clip",)),
    "gaussian_ppo_clip": Case("gaussian_ppo_clip", PLAYED_CONTINUOUS, extreme=3.0),
    "ppo_value": Case("ppo_value", VALUES, perfect=fulfilled, numeric=("clip",)),
    "ppo_value-clipped": Case("ppo_value", VALUES, {"mode": "clipped", "clip": 0.5}),
    "ppo_value-none": Case("ppo_value", VALUES, {"mode": "none"}, perfect=fulfilled),
}
