"""Formulas as Unicode; and every formula that the losses' docstrings hold."""

import inspect
import re

import losslab.losses
import pytest
from losslab.cli.listing import choices
from losslab.cli.maths import display, inline, unknown_commands
from rich.cells import cell_len


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"x_i^2", "xᵢ²"),
        (r"\hat y", "ŷ"),
        (r"p_{ic}\,y_{ic}", "p_ic y_ic"),
        (r"e^{-\lambda_j}", "e^(−λⱼ)"),
        (r"e^{\lambda_j}", "e^λⱼ"),
        (r"(1-p)^\gamma", "(1 − p)ᵞ"),
        (r"\tfrac12", "½"),
        (r"\frac{a+b}{2n}", "(a + b)/(2n)"),
        (r"\frac{2\mu}{\sigma^2}", "2μ/σ²"),
        (r"-w\,y\log\sigma(z)", "−w y log σ(z)"),
        (r"\max(0,\; m - y z)", "max(0, m − y z)"),
        (r"\max_{j \ne y} z_j", "max_(j≠y) zⱼ"),
        (r"\sum_{i=1}^n x_i", "∑ᵢ₌₁ⁿ xᵢ"),
        (r"y = \pm 1", "y = ±1"),
        (r"|r| \le -1", "|r| ≤ −1"),
        (r"\left|\sum_j a_j - C\right|", "|∑ⱼ aⱼ − C|"),
        (r"\operatorname{softmax}(z)", "softmax(z)"),
        (r"\text{if } x > 0", "if x > 0"),
        (r"\mathbb{E}[y \mid x]", "𝔼[y | x]"),
        (r"\mathcal{N}(0, I)", "𝒩(0, I)"),
        (r"\sqrt{2}\,\sqrt{r^2+1}", "√2 √(r² + 1)"),
        (r"f'(x)", "f′(x)"),
        (r"W^\top W", "Wᵀ W"),
        (r"\|w\|_2^2", "‖w‖₂²"),
        (r"0.5\,x", "0.5 x"),
        (r"\log\frac{p}{q_c}", "log(p/q_c)"),
        (r"\tfrac{1}{n(n-1)}\sum_i x_i", "1/(n(n − 1)) ∑ᵢ xᵢ"),
        (r"\frac{a}{b}(c + d)", "a/b (c + d)"),
        (r"\bar{x}_{\text{old}}", "x̄_old"),
        (r"\begin{cases} a & x < 0 \\ b & x \ge 0 \end{cases}", "{a, x < 0; b, x ≥ 0}"),
    ],
)
def test_a_formula_on_one_line(latex, text):
    assert inline(latex) == text


def shown(text: str) -> str:
    return "\n".join(line.removeprefix("        ") for line in text.strip("\n").split("\n"))


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (
            r"\ell = 1 - \frac{2 I + s}{U}",
            """
                2 I + s
        ℓ = 1 − ───────
                   U""",
        ),
        (
            r"\ell = \begin{cases} r^2 & |r| \le 1 \\ 2|r| & |r| > 1 \end{cases}",
            """
            ⎧ r²     |r| ≤ 1
        ℓ = ⎨
            ⎩ 2|r|   |r| > 1""",
        ),
        (
            r"\max_{j \ne y} z_j",
            """
        max zⱼ
        j≠y""",
        ),
        (
            r"\left(\frac{r}{c}\right)^2",
            """
        ⎛r⎞²
        ⎜─⎟
        ⎝c⎠""",
        ),
        (r"a = b, \qquad c = d", "a = b,      c = d"),
        (
            r"\underbrace{a + b + c}_{L} - d",
            """
        a + b + c − d
        ╰───┬───╯
            L""",
        ),
    ],
)
def test_a_formula_on_several_lines(latex, text):
    assert display(latex) == shown(text)


def test_a_wide_formula_is_broken_before_its_signs():
    latex = " + ".join(f"x_{{{i}}}" for i in range(30))
    lines = display("y = " + latex, 40).splitlines()
    assert len(lines) > 3
    assert all(cell_len(line) <= 40 for line in lines)
    assert lines[1].startswith("    + ")
    brackets = "y = " + " + ".join(f"(x_{{{i}}} + 1)" for i in range(9))
    assert all(line.count("(") == line.count(")") for line in display(brackets, 40).splitlines())


def test_what_is_unknown_is_named():
    assert unknown_commands(r"\mystery{x} + \frac12") == {r"\mystery"}
    assert inline(r"\mystery x") == "mystery x"


@pytest.mark.parametrize(
    "latex", ["{", "x_", r"\frac{a}", r"\left( x", r"\begin{cases} a", "^2", ""]
)
def test_a_broken_formula_is_no_crash(latex):
    assert isinstance(inline(latex), str)
    assert isinstance(display(latex), (str, list))


def formulas() -> dict[str, str]:
    """Every formula in the docstring of a loss, by where it stands."""
    found = {}
    for name in choices("loss"):
        doc = inspect.getdoc(getattr(losslab.losses, name, None)) or ""
        for index, latex in enumerate(re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", doc, re.DOTALL)):
            found[f"{name}-{index}"] = latex[0] or latex[1]
    return found


FORMULAS = formulas()


def test_every_formula_of_the_losses_is_rendered():
    assert FORMULAS
    for where, latex in FORMULAS.items():
        assert not unknown_commands(latex), where
        for text in (inline(latex), display(latex, 68)):
            assert "\\" not in text, where
            assert not re.search(r"[_^][({]?\s*$|[{}]\s*_|_\{", text), (where, text)
            assert text.strip(), where
        for width in (58, 68):  # of terminals of 70 and 80 columns
            assert all(cell_len(line) <= width for line in display(latex, width).splitlines())
