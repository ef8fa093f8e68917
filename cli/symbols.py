"""The signs of mathematics by their LaTeX commands, for `cli/maths.py`."""

from typing import Literal

_LOWER = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta"),
    *("vartheta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau"),
    *("upsilon", "phi", "varphi", "chi", "psi", "omega"),
)
_UPPER = (
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi"),
    "Omega",
)
_GREEK = dict(zip(_LOWER + _UPPER, "αβγδϵεζηθϑικλμνξπρστυϕφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))

SYMBOLS = {
    **{f"\\{name}": letter for name, letter in _GREEK.items()},
    "\\ell": "ℓ",
    "\\infty": "∞",
    "\\partial": "∂",
    "\\nabla": "∇",
    "\\ldots": "…",
    "\\dots": "…",
    "\\cdots": "⋯",
    "\\prime": "′",
    "\\emptyset": "∅",
    "\\varnothing": "∅",
    "\\top": "⊤",
    "\\forall": "∀",
    "\\exists": "∃",
    "\\neg": "¬",
    "\\dagger": "†",
    "\\ast": "*",
    "\\circ": "∘",
    "\\colon": ":",
    "\\|": "‖",
    "\\Vert": "‖",
    "\\lVert": "‖",
    "\\rVert": "‖",
    "\\vert": "|",
    "\\lvert": "|",
    "\\rvert": "|",
    "\\langle": "⟨",
    "\\rangle": "⟩",
    "\\lfloor": "⌊",
    "\\rfloor": "⌋",
    "\\lceil": "⌈",
    "\\rceil": "⌉",
    "\\lbrace": "{",
    "\\rbrace": "}",
    "\\{": "{",
    "\\}": "}",
    "\\%": "%",
    "\\_": "_",
    "\\#": "#",
    "\\&": "&",
    "\\$": "$",
}

RELATIONS = {
    "=": "=",
    "<": "<",
    ">": ">",
    ":": ":",
    "\\lt": "<",
    "\\gt": ">",
    "\\le": "≤",
    "\\leq": "≤",
    "\\leqslant": "≤",
    "\\ge": "≥",
    "\\geq": "≥",
    "\\geqslant": "≥",
    "\\ne": "≠",
    "\\neq": "≠",
    "\\approx": "≈",
    "\\equiv": "≡",
    "\\sim": "∼",
    "\\simeq": "≃",
    "\\propto": "∝",
    "\\in": "∈",
    "\\notin": "∉",
    "\\subset": "⊂",
    "\\subseteq": "⊆",
    "\\to": "→",
    "\\rightarrow": "→",
    "\\leftarrow": "←",
    "\\gets": "←",
    "\\mapsto": "↦",
    "\\implies": "⇒",
    "\\Rightarrow": "⇒",
    "\\iff": "⇔",
    "\\ll": "≪",
    "\\gg": "≫",
    "\\mid": "|",
    "\\parallel": "‖",
    "\\coloneqq": "≔",
    "\\triangleq": "≜",
}

BINARY = {
    "+": "+",
    "-": "−",
    "/": "/",
    "*": "·",
    "\\cdot": "·",
    "\\times": "×",
    "\\pm": "±",
    "\\mp": "∓",
    "\\odot": "⊙",
    "\\otimes": "⊗",
    "\\oplus": "⊕",
    "\\cap": "∩",
    "\\cup": "∪",
    "\\setminus": "∖",
    "\\wedge": "∧",
    "\\vee": "∨",
    "\\star": "⋆",
    "\\div": "÷",
}

BIG = {
    "\\sum": "∑",
    "\\prod": "∏",
    "\\int": "∫",
    "\\bigcup": "⋃",
    "\\bigcap": "⋂",
    "\\max": "max",
    "\\min": "min",
    "\\sup": "sup",
    "\\inf": "inf",
    "\\lim": "lim",
    "\\argmax": "argmax",
    "\\argmin": "argmin",
}
"""Operators that take limits."""

_NAMES = (
    *("log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos"),
    *("arctan", "det", "dim", "ker", "tr", "Pr", "gcd", "deg", "arg"),
)
FUNCTIONS = {f"\\{name}": name for name in _NAMES}

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
