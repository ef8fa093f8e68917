"""Four terms, and what it does to scale one."""

import json

import pytest
import torch
from losslab.experiments.vae_terms import AdversarialVAE
from losslab.losses import non_saturating

TERMS = ("reconstruction", "kl", "non_saturating", "absolute")


def test_a_term_scaled_by_20_has_20_times_the_gradient_and_a_larger_share(cli, workdir):
    outcome = cli("train", "experiment=vae_terms", "tracking=none", "trainer.epochs=2")
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    found = {f["name"]: f for f in json.loads((run_dir / "answer.json").read_text())["findings"]}
    assert found["chain_rule"]["value"] == pytest.approx(20, rel=1e-4)
    assert found["chain_rule"]["holds"]
    assert found["scaled_share"]["holds"]
    before, after = (
        [float(found[f"{term}_share"]["value"].split(" → ")[place].rstrip("%")) for term in TERMS]
        for place in (0, 1)
    )
    assert sum(before) == pytest.approx(100, abs=0.3)
    # From the shares before, those after one of the norms is 20 times as large.
    total = sum(before) + 19 * before[-1]
    expected = [*(100 * share / total for share in before[:-1]), 2000 * before[-1] / total]
    assert after == pytest.approx(expected, abs=0.3)


def test_the_discriminator_and_the_decoder_learn_from_one_loss():
    torch.manual_seed(0)
    model = AdversarialVAE((1, 8, 8), latent=2, width=16)
    outputs = model(torch.rand(32, 1, 8, 8))
    scores = {name: outputs[name] for name in ("real_logits", "fake_logits", "reversed_logits")}
    torch.testing.assert_close(scores["fake_logits"], scores["reversed_logits"])
    non_saturating(**scores).mean().backward()
    for part in (model.discriminator, model.vae.decoder):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
