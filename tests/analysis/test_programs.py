"""Models as programs: every model of `conf/model` is exported, and answers the same."""

import sys

import pytest
import torch
from losslab.analysis.programs import ByPosition, Subject, difference, to_onnx, to_torch
from losslab.analysis.rebuild import rebuild
from losslab.cli.compose import compose_config, plain
from losslab.cli.listing import choices
from losslab.errors import UserError
from losslab.training.step import NamedModel
from torch import nn

SMALL = {
    "actor_critic": ["data.test=1", "data.environments=2", "data.max_steps=20"],
    "conv_chain": ["data.samples=40", "data.sweeps=2"],
    "conv_regressor": ["data.samples=40", "data.size=16", "model.width=4"],
    "equation": ["data.samples=40"],
    "mdn": ["data.samples=40"],
    "unet": ["data.samples=40", "data.size=17", "model.width=4", "model.depth=2"],
    "vae": ["model.width=8"],
}
MODELS = {name: SMALL.get(name, []) for name in choices("model") if name != "custom"}
VARIANTS = {
    "mlp-heads": ("mlp", ["model.heads=[logvar]", "model.dropout=0.2"]),
    "mlp-maxout": ("mlp", ["model.activation=maxout"]),
    "unet-batch": ("unet", ["model.norm=batch", *SMALL["unet"]]),
    "vae-conv": ("vae", ["model.kind=conv", "model.width=8"]),
    **{name: (name, options) for name, options in MODELS.items()},
}


def subject_of(model, options):
    words = [f"model={model}", *options, "tracking=none", "trainer.device=cpu"]
    return Subject.of(rebuild(plain(compose_config(words)), None)[0])


def subject_for(model, rows=20, features=3):
    """A module of one's own, and random rows."""
    named = ByPosition(NamedModel(model, "logits").eval())
    generator = torch.Generator().manual_seed(0)
    return Subject(named, ("input",), (torch.randn(rows, features, generator=generator),), "test")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_model_answers_the_same_as_a_torch_program(name, tmp_path):
    subject = subject_of(*VARIANTS[name])
    program = to_torch(subject, tmp_path / "model.pt2")
    assert difference(subject, program, "model.pt2") <= 1e-6
    assert [*program(subject.example)] == [*subject.model(*subject.example)]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_model_answers_the_same_in_onnx(name, tmp_path):
    subject = subject_of(*VARIANTS[name])
    program = to_onnx(subject, tmp_path / "model.onnx")
    assert difference(subject, program, "model.onnx") <= 1e-5
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_the_program_needs_no_code_of_ours(tmp_path):
    """Nor a checkpoint: a bare torch answers, for any number of rows."""
    import subprocess

    subject = subject_for(nn.Linear(3, 2))
    to_torch(subject, tmp_path / "model.pt2")
    code = (
        "import sys, torch; answers = torch.export.load(sys.argv[1]).module()(torch.zeros(33, 3)); "
        "print(list(answers), list(answers['logits'].shape), 'losslab' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.pt2")]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['logits'] [33, 2] False"


def test_rows_are_of_the_test_split_and_come_again_where_there_are_few():
    (rows,) = subject_of("mlp", ["model.width=4"]).rows
    source = rebuild(plain(compose_config(["model=mlp", "trainer.device=cpu"])), None)[0].source
    assert torch.equal(rows, next(source.batches("test", 20))["input"])
    words = ["data=values", "data.input=[[1],[2],[3]]", "data.target=[1,2,3]", "loss=mse"]
    few = subject_of("linear", words)
    assert few.split == "train"
    assert few.rows[0].flatten().unique().tolist() == [1, 2, 3]
    assert len(few.rows[0]) == 20


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, input):
        if input.sum() > 0:
            return self.layer(input)
        return -self.layer(input)


class OfThisSize(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(4, 3))

    def forward(self, input):
        return input + self.rows


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, input):
        raise RuntimeError("not\nin a trace") if torch.compiler.is_exporting() else None


BRANCH = (
    r"its forward asks for a value of a tensor \(test_programs.py:\d+: if input.sum\(\) > 0:\);"
)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Branches(), BRANCH),
        (OfThisSize(), "its forward fits batches of 4 rows only"),
        (Unknown(), "torch.export gives RuntimeError: not$"),
    ],
    ids=["a branch on a value", "one batch size", "anything else"],
)
def test_a_model_that_can_not_be_traced_is_refused_in_a_sentence(model, reason, tmp_path):
    message = f"model {type(model).__name__} can't be exported: {reason}"
    with pytest.raises(UserError, match=message) as error:
        to_torch(subject_for(model), tmp_path / "model.pt2")
    assert "\n" not in str(error.value)
    assert not [*tmp_path.iterdir()]


def test_what_onnx_has_not_got_is_refused_in_a_sentence(tmp_path):
    class Decomposition(nn.Linear):
        def forward(self, input):
            return torch.linalg.eigvalsh(input.mT @ input) + super().forward(input).sum()

    with pytest.raises(
        UserError, match="model Decomposition can't be exported: ONNX gives"
    ) as error:
        to_onnx(subject_for(Decomposition(3, 2)), tmp_path / "model.onnx")
    assert "\n" not in str(error.value)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (lambda logits: logits + 0.01, r"logits differs by 0\.01 on 1 rows of test"),
        (lambda logits: logits * torch.nan, "logits differs by nan on 1 rows of test"),
        (lambda logits: logits[:, :1], r"logits has shape \[1, 1\], the model's \[1, 2\]"),
    ],
    ids=["other values", "no number", "another shape"],
)
def test_a_program_that_answers_otherwise_is_an_error(lie, message):
    subject = subject_for(nn.Linear(3, 2))
    message = f"model.onnx answers otherwise than the model, so it is not kept: {message}"
    with pytest.raises(UserError, match=message):
        difference(subject, lambda i: {"logits": lie(subject.model(*i)["logits"])}, "model.onnx")


def test_a_difference_of_rounding_is_told():
    subject = subject_for(nn.Linear(3, 2))
    found = difference(subject, lambda i: {"logits": subject.model(*i)["logits"] + 2e-6}, "it")
    assert found == pytest.approx(2e-6, rel=0.1)


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_without_its_packages_onnx_names_the_extra(package, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"--to onnx needs {package}, .* pip install 'losslab\[onnx\]'"
    with pytest.raises(UserError, match=message):
        to_onnx(subject_for(nn.Linear(3, 2)), tmp_path / "model.onnx")
