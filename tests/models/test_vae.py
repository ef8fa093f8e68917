import pytest
import torch
from losslab.models import VAE

KINDS = ["mlp", "conv"]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 7), (2, 8, 9), (1, 33, 4), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_shapes(kind, shape, depth):
    outputs = VAE(shape, latent=3, kind=kind, width=8, depth=depth)(torch.rand(2, *shape))
    assert {name: tuple(tensor.shape) for name, tensor in outputs.items()} == {
        "reconstruction": (2, *shape),
        "reconstruction_logits": (2, *shape),
        "mu": (2, 3),
        "logvar": (2, 3),
        "latent": (2, 3),
    }


def test_rows_of_features_are_an_input_for_mlp():
    assert VAE((30,))(torch.rand(2, 30))["reconstruction"].shape == (2, 30)


def test_convolutions_halve_their_channels_towards_the_image():
    model = VAE((3, 16, 16), kind="conv", width=64, depth=3)
    assert [c.weight.shape[0] for c in model.encoder if hasattr(c, "kernel_size")] == [16, 32, 64]
    assert [c.weight.shape[1] for c in model.decoder if hasattr(c, "kernel_size")] == [32, 16, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_in_evaluation_it_reads_the_mean(kind):
    model, x = VAE((1, 6, 5), kind=kind, width=8).eval(), torch.rand(2, 1, 6, 5)
    one, other = model(x), model(x)
    assert torch.equal(one["latent"], one["mu"])
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_while_training_it_reads_a_sample(kind):
    model, x = VAE((1, 6, 5), kind=kind, width=8), torch.rand(2, 1, 6, 5)
    one, other = model(x), model(x)
    assert torch.equal(one["mu"], other["mu"])
    assert not torch.equal(one["latent"], other["latent"])
    assert not torch.equal(one["reconstruction"], other["reconstruction"])


def test_the_sample_has_the_mean_and_the_variance_that_the_encoder_gives():
    model = VAE((4,), latent=2)
    outputs = model(torch.rand(1, 4).expand(40_000, 4))
    mu, deviation = outputs["mu"][0], (outputs["logvar"][0] / 2).exp()
    # Within five standard errors of n samples: σ/√n for the mean, σ/√(2n) for the deviation.
    assert ((outputs["latent"].mean(0) - mu).abs() < 5 * deviation / 200).all()
    assert ((outputs["latent"].std(0) - deviation).abs() < 5 * deviation / 283).all()


def test_the_gradient_passes_through_the_sample():
    """The latent is μ + exp(λ/2)·ε, so it moves by 1 with μ and by half its noise with λ."""
    outputs = VAE((4,), latent=2)(torch.rand(3, 4))
    mu, logvar, latent = outputs["mu"], outputs["logvar"], outputs["latent"]
    by_mu, by_logvar = torch.autograd.grad(latent.sum(), (mu, logvar))
    torch.testing.assert_close(by_mu, torch.ones_like(mu))
    torch.testing.assert_close(by_logvar, (latent - mu).detach() / 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_outputs_and_gradients_are_finite_for_inputs_in_the_unit_interval(kind, value):
    model = VAE((1, 8, 8), kind=kind, width=16)
    outputs = model(torch.full((2, 1, 8, 8), value))
    sum(tensor.sum() for tensor in outputs.values()).backward()
    assert all(tensor.isfinite().all() for tensor in outputs.values())
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_the_reconstruction_is_the_sigmoid_of_its_logits():
    outputs = VAE((1, 8, 8))(torch.rand(2, 1, 8, 8))
    torch.testing.assert_close(
        outputs["reconstruction"], torch.sigmoid(outputs["reconstruction_logits"])
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_to_tell_four_patterns(kind):
    patterns = (torch.rand(4, 1, 8, 8) > 0.5).float()
    x = patterns.repeat(8, 1, 1, 1)
    model = VAE((1, 8, 8), latent=2, kind=kind, width=32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        outputs = model(x)
        bce = torch.nn.functional.binary_cross_entropy_with_logits(
            outputs["reconstruction_logits"], x, reduction="sum"
        )
        kl = 0.5 * (outputs["mu"].square() + outputs["logvar"].expm1() - outputs["logvar"]).sum()
        ((bce + kl) / len(x)).backward()
        optimizer.step()
    reconstruction = model.eval()(patterns)["reconstruction"]
    assert torch.equal(reconstruction.round(), patterns)


@pytest.mark.parametrize("name", ["latent", "width", "depth"])
def test_options_outside_their_range(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1; got 0"):
        VAE((1, 8, 8), **{name: 0})


def test_an_unknown_kind():
    with pytest.raises(ValueError, match=r"kind must be one of .*; got cnv\. Did you mean conv\?"):
        VAE((1, 8, 8), kind="cnv")


def test_convolutions_need_an_image():
    with pytest.raises(ValueError, match=r"VAE with kind=conv expects images .*; got \(30,\)"):
        VAE((30,), kind="conv")
