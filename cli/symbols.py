"""The signs of mathematics by their LaTeX commands, for `cli/maths.py`."""

from typing import Literal


def _signs(pairs: str) -> dict[str, str]:
    """Commands, without their backslash, each followed by its sign."""
    words = pairs.split()
    return {f"\\{name}": sign for name, sign in zip(words[::2], words[1::2], strict=True)}


SYMBOLS = _signs(
    """
    alpha α  beta β  gamma γ  delta δ  epsilon ϵ  varepsilon ε  zeta ζ  eta η  theta θ  vartheta ϑ
    iota ι  kappa κ  lambda λ  mu μ  nu ν  xi ξ  pi π  rho ρ  sigma σ  tau τ  upsilon υ  phi ϕ
    varphi φ  chi χ  psi ψ  omega ω  Gamma Γ  Delta Δ  Theta Θ  Lambda Λ  Xi Ξ  Pi Π  Sigma Σ
    Upsilon Υ  Phi Φ  Psi Ψ  Omega Ω  ell ℓ  infty ∞  partial ∂  nabla ∇  ldots …  dots …  cdots ⋯
    prime ′  emptyset ∅  varnothing ∅  top ⊤  forall ∀  exists ∃  neg ¬  ast *  circ ∘  colon :
    | ‖  Vert ‖  lVert ‖  rVert ‖  vert |  lvert |  rvert |  langle ⟨  rangle ⟩  lfloor ⌊
    rfloor ⌋  lceil ⌈  rceil ⌉  lbrace {  rbrace }  { {  } }  % %  _ _  # #  & &  $ $
    """
)

RELATIONS = {sign: sign for sign in "=<>:"} | _signs(
    """
    lt <  gt >  le ≤  leq ≤  ge ≥  geq ≥  ne ≠  neq ≠  approx ≈  equiv ≡  sim ∼  simeq ≃
    propto ∝  in ∈  notin ∉  subset ⊂  subseteq ⊆  to →  rightarrow →  leftarrow ←  mapsto ↦
    implies ⇒  Rightarrow ⇒  iff ⇔  ll ≪  gg ≫  mid |  parallel ‖
    """
)

BINARY = {"+": "+", "-": "−", "/": "/", "*": "·"} | _signs(
    "cdot ·  times ×  pm ±  mp ∓  odot ⊙  otimes ⊗  oplus ⊕  cap ∩  cup ∪  wedge ∧  vee ∨"
)

BIG = _signs(
    "sum ∑  prod ∏  int ∫  max max  min min  sup sup  inf inf  argmax argmax  argmin argmin"
)
"""Operators that take limits."""

_NAMES = "log ln exp sin cos tan sinh cosh tanh arctan det dim tr Pr arg"
FUNCTIONS = {f"\\{name}": name for name in _NAMES.split()}

SPACES: dict[str, Literal["thin", "quad", ""]] = {
    "\\,": "thin",
    "\\:": "thin",
    "\\;": "thin",
    "\\ ": "thin",
    "~": "thin",
    "\\quad": "quad",
    "\\qquad": "quad",
    "\\!": "",
}

IGNORED = {
    *("\\limits", "\\nolimits", "\\displaystyle", "\\textstyle", "\\big", "\\Big", "\\bigg"),
    *("\\Bigg", "\\bigl", "\\bigr", "\\Bigl", "\\Bigr", "\\biggl", "\\biggr", "\\bigm"),
}

ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0305",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "dot": "\u0307",
    "ddot": "\u0308",
    "vec": "\u20d7",
}

LETTERS = {
    "mathbb": dict(zip("ECNPQRZ1", "𝔼ℂℕℙℚℝℤ𝟙", strict=True)),
    "mathbbm": {"1": "𝟙"},
    "mathcal": dict(zip("BDFHIKLMNPRS", "ℬ𝒟ℱℋℐ𝒦ℒℳ𝒩𝒫ℛ𝒮", strict=True)),
}

SUPERSCRIPTS = {
    **dict(zip("0123456789+−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾", strict=True)),
    **dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)),
    **dict(zip("ABDEGHIJKLMNOPRTUVW", "ᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ", strict=True)),
    **dict(zip("αβγδθφχ⊤′*", "ᵅᵝᵞᵟᶿᵠᵡᵀ′*", strict=True)),
}

SUBSCRIPTS = {
    **dict(zip("0123456789+−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True)),
    **dict(zip("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)),
    **dict(zip("βγρφχ", "ᵦᵧᵨᵩᵪ", strict=True)),
}

VULGAR = {"1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾", "1/8": "⅛"}
