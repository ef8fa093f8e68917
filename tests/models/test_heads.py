import re
from functools import partial

import pytest
import torch
from losslab.losses import (
    crps_ensemble,
    crps_gaussian,
    evidential,
    gaussian_nll,
    laplace_nll,
    mdn_nll,
    student_t_nll,
)
from losslab.models import MLP, ConvRegressor, Linear
from losslab.models.heads import Heads

BUILD = {
    "linear": (partial(Linear, 6, 2), (6,)),
    "mlp": (partial(MLP, 6, 2, width=5), (6,)),
    "mlp-shallow": (partial(MLP, 6, 2, depth=0), (6,)),
    "conv_regressor": (partial(ConvRegressor, (1, 9, 6), 2, width=3, depth=1), (1, 9, 6)),
}
models = pytest.mark.parametrize("name", BUILD)


def built(name, heads):
    torch.manual_seed(0)
    build, shape = BUILD[name]
    return build(heads=heads), torch.rand(4, *shape)


@models
def test_a_head_is_shaped_like_the_answer_or_has_one_axis_more(name):
    model, x = built(name, {"logvar": 1, "quantiles": 3})
    shapes = {key: tuple(output.shape) for key, output in model(x).items()}
    assert shapes == {"answer": (4, 2), "logvar": (4, 2), "quantiles": (4, 2, 3)}


@models
@pytest.mark.parametrize("heads", [None, [], {}], ids=["none", "list", "mapping"])
def test_without_heads_it_is_the_model_as_it_was(name, heads):
    model, x = built(name, heads)
    with_heads, _ = built(name, ["logvar"])
    assert torch.equal(model(x), with_heads(x)["answer"])
    assert not any("heads" in key for key in model.state_dict())
    assert {*with_heads.state_dict()} - {*model.state_dict()} == {
        "heads.logvar.weight",
        "heads.logvar.bias",
    }


@models
def test_a_list_of_names_is_one_value_each(name):
    of_list, x = built(name, ["mu", "logvar"])
    of_mapping, _ = built(name, {"mu": 1, "logvar": 1})
    torch.testing.assert_close(of_list(x), of_mapping(x))


def test_heads_read_the_features_that_the_answer_is_read_from():
    model, x = built("mlp", ["logvar"])
    features = torch.nn.Sequential(*model.layers[:-1])(x)
    outputs = model(x)
    torch.testing.assert_close(outputs["answer"], model.layers[-1](features))
    torch.testing.assert_close(outputs["logvar"], model.heads["logvar"](features))


def test_bounds_are_the_answers_alone():
    model = ConvRegressor((1, 4, 4), 1, width=2, depth=1, bounds=[0, 1], heads=["logvar"])
    torch.nn.init.constant_(model.head[-1].bias, 50)
    torch.nn.init.constant_(model.heads["logvar"].bias, 50)
    outputs = model(torch.zeros(1, 1, 4, 4))
    assert outputs["answer"].item() == 1
    assert outputs["logvar"].item() > 40


@pytest.mark.parametrize(
    ("loss", "heads"),
    [
        (gaussian_nll, {"logvar": 1}),
        (laplace_nll, {"log_scale": 1}),
        (student_t_nll, {"log_scale": 1}),
        (crps_gaussian, {"log_scale": 1}),
        (evidential, {"nu_logits": 1, "alpha_logits": 1, "beta_logits": 1}),
        (mdn_nll, {"mixture_logits": 3, "mu": 3, "log_sigma": 3}),
        (crps_ensemble, {"members": 9}),
    ],
)
def test_a_model_with_heads_learns_by_every_loss_that_asks_for_them(loss, heads):
    torch.manual_seed(0)
    x = torch.rand(256, 1) * 4 - 2
    target = x + x.abs() * torch.randn(256, 1)  # noise that grows with the distance from 0
    model = MLP(1, 1, width=16, heads=heads)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    asked = [*heads] if "mu" in heads or "members" in heads else ["answer", *heads]
    values = []
    for _ in range(150):
        optimizer.zero_grad()
        outputs = model(x)
        value = loss(*(outputs[key] for key in asked), target).mean()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert sum(values[-10:]) < sum(values[:10]) - 0.5


@pytest.mark.parametrize(
    ("heads", "text"),
    [
        ({"logvar": 0}, "heads.logvar must be at least 1; got 0"),
        ({"logvar": "x"}, "heads.logvar must be a number of values; got 'x'"),
        (["answer"], "a head can't be called 'answer': choose a name that a loss asks for"),
        (["target"], "a head can't be called 'target'"),
        (["log var"], "a head can't be called 'log var'"),
        (["keys"], "a head can't be called 'keys'"),
        (["mu", "mu"], "heads must be names, each once, or name: values; got ['mu', 'mu']"),
        ("logvar", "heads must be names, each once, or name: values; got 'logvar'"),
    ],
    ids=["no values", "no number", "answer", "target", "no name", "a method", "twice", "a string"],
)
def test_heads_that_can_not_be(heads, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        Heads(heads, in_features=4, outputs=2)


@pytest.mark.parametrize(
    "words",
    [
        ["loss=gaussian_nll", "data=diabetes", "model=mlp", "model.heads=[logvar]"],
        ["loss=crps_ensemble", "data=diabetes", "model=linear", "model.heads={members:5}"],
    ],
    ids=["list", "mapping"],
)
def test_heads_are_named_on_the_command_line(cli, words):
    outcome = cli("train", "-q", *words, "trainer.epochs=1", "tracking=none")
    assert outcome.code == 0, outcome


def test_a_loss_whose_head_is_missing_says_what_the_model_gives(cli):
    words = ["loss=gaussian_nll", "data=diabetes", "model=mlp", "model.heads=[log_scale]"]
    outcome = cli("train", "-q", *words, "tracking=none")
    assert outcome.code == 2
    assert "asks for 'logvar'" in outcome.err
    assert "the model gives log_scale, prediction" in outcome.err
