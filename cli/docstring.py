"""A docstring in the house's form, taken apart."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SECTION = re.compile(r"^([A-Z][A-Za-z]+):\s*$")
_ENTRY = re.compile(r"^(\*{0,2}[\w.]+)(?: \([^)]*\))?:(?:\s+(.*))?$")
_FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
# What other packages' docstrings hold of reStructuredText.
_ROLE = re.compile(r":(?!math)\w+:`~?([^`]+)`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^>]*>`_+")


@dataclass(frozen=True)
class Docstring:
    """A docstring's parts.

    Args:
        summary: its first paragraph.
        formulas: the LaTeX between double dollars.
        text: the paragraphs after the summary, without the formulas.
        sections: the text of each section by its title.
    """

    summary: str
    formulas: tuple[str, ...]
    text: tuple[str, ...]
    sections: Mapping[str, str]

    def paragraphs(self, section: str) -> tuple[str, ...]:
        """The paragraphs of a section, each on one line."""
        return _paragraphs(self.sections.get(section, ""))

    def entries(self, section: str) -> dict[str, str]:
        """What a section of the form `name: text` says of each name."""
        found: dict[str, list[str]] = {}
        name = ""
        for line in self.sections.get(section, "").splitlines():
            match = _ENTRY.match(line)
            if match:
                name = match.group(1)
                found[name] = [match.group(2) or ""]
            elif name:
                found[name].append(line.strip())
        return {name: " ".join(filter(None, lines)) for name, lines in found.items()}


def parse(text: str | None) -> Docstring:
    r"""Take a docstring apart.

    >>> doc = parse("Squared error.\n\n$$r^2$$\n\nUse:\n  Often.\nArgs:\n  target: $y$,\n    real.")
    >>> doc.summary, doc.formulas, doc.paragraphs("Use"), doc.entries("Args")
    ('Squared error.', ('r^2',), ('Often.',), {'target': '$y$, real.'})
    """
    head: list[str] = []
    sections: dict[str, list[str]] = {}
    inside: list[str] = head
    lines = _LINK.sub(r"\1", _ROLE.sub(r"`\1`", inspect.cleandoc(text or ""))).splitlines()
    for index, line in enumerate(lines):
        match = _SECTION.match(line)
        following = next((other for other in lines[index + 1 :] if other), "")
        if match and following.startswith(" "):
            inside = sections.setdefault(match.group(1), [])
        elif line and inside is not head and not line.startswith(" "):
            inside = head  # what stands between sections is text
            inside += ["", line]
        else:
            inside.append(line)
    opening, _, rest = "\n".join(head).strip().partition("\n\n")
    formulas = tuple(_line(f) if "\\\\" not in f else f.strip() for f in _FORMULA.findall(rest))
    return Docstring(
        summary=_line(opening),
        formulas=formulas,
        text=_paragraphs(_FORMULA.sub("", rest)),
        sections={name: inspect.cleandoc("\n" + "\n".join(s)) for name, s in sections.items()},
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(_line(part) for part in re.split(r"\n\s*\n", text) if part.strip())
