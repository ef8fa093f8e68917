import pytest
from losslab.cli.overrides import rewrite
from losslab.errors import UserError


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (["loss=dice"], ["loss=dice"]),
        (["loss=dice+bce"], ["loss=[dice,bce]"]),
        (["loss=[dice,bce]"], ["loss=[dice,bce]"]),
        (["loss=dice,[dice,bce]"], ["loss=dice,[dice,bce]"]),
        (["loss=dice,dice+bce"], ["loss=dice,[dice,bce]"]),
        (["loss=choice(dice,dice+bce)"], ["loss=choice(dice,[dice,bce])"]),
        (["loss=choice(dice,[dice,bce])"], ["loss=choice(dice,[dice,bce])"]),
        (
            ["loss=./mine.py:my_loss"],
            ["loss=custom", '++loss.custom._target_="./mine.py:my_loss"'],
        ),
        (
            ["loss=[dice,/a b/mine.py:f]"],
            ["loss=[dice,custom]", '++loss.custom._target_="/a b/mine.py:f"'],
        ),
        (
            ["loss=torch.nn.MSELoss"],
            ["loss=custom", '++loss.custom._target_="torch.nn.MSELoss"'],
        ),
        (["loss.custom.gamma=2"], ["++loss.custom.gamma=2"]),
        (["model=a.b.C"], ["model=custom", '++model._target_="a.b.C"']),
        (["model=unet"], ["model=unet"]),
        (["schedule@loss.kl.weight=cosine"], ["+schedule@loss.kl.weight=cosine"]),
        (
            ["experiment=vae", "schedule@loss.kl.weight=cosine"],
            ["experiment=vae", "schedule@loss.kl.weight=cosine"],
        ),
        (
            ["experiment=svm", "schedule@optimizer.lr=cosine"],
            ["experiment=svm", "+schedule@optimizer.lr=cosine"],
        ),
        (["-m", "seed=1,2"], ["-m", "seed=1,2"]),
        (["--config-dir", "conf"], ["--config-dir", "conf"]),
    ],
)
def test_shorthands_are_written_out(typed, written):
    assert rewrite(typed) == written


@pytest.mark.parametrize("value", ["a.py:f+b.py:g", "dice,a.py:f"])
def test_one_function_at_most(value):
    with pytest.raises(UserError, match="one function can be given on the command line"):
        rewrite([f"loss={value}"])
