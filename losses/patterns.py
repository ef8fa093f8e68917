"""Which parameters a regulariser counts, and by what factor: patterns of names."""

from collections.abc import Mapping, Sequence

from torch import Tensor

Patterns = str | Sequence[str]
Factors = Mapping[str, float]


def chosen(
    parameters: Mapping[str, Tensor],
    include: Patterns,
    exclude: Patterns,
    module_weight: Factors | None = None,
) -> dict[str, tuple[Tensor, float]]:
    """The parameters that count by name, each with its factor.

    Args:
        parameters: by name.
        include: patterns of the names that count.
        exclude: patterns of the names that don't.
        module_weight: factors by pattern; the first that fits a name applies, else 1.

    Raises:
        ValueError: no parameter is left, or a pattern of `module_weight` fits none that is.
    """
    included = (include,) if isinstance(include, str) else include
    excluded = (exclude,) if isinstance(exclude, str) else exclude
    kept = [
        name
        for name in parameters
        if any(matches(name, pattern) for pattern in included)
        and not any(matches(name, pattern) for pattern in excluded)
    ]
    if not kept:
        raise ValueError(
            f"no parameter matches include={list(included)} exclude={list(excluded)}: "
            f"the model has {', '.join(parameters) or 'none'}"
        )
    factors = module_weight or {}
    for pattern in factors:
        if not any(matches(name, pattern) for name in kept):
            raise ValueError(
                f"module_weight has a factor for {pattern}, which matches no parameter that "
                f"counts: those are {', '.join(kept)}"
            )
    return {
        name: (parameters[name], next((f for p, f in factors.items() if matches(name, p)), 1.0))
        for name in kept
    }


def matches(name: str, pattern: str) -> bool:
    """`fnmatch` with the wildcard `*` alone, since torch.compile can't trace the standard one."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    *middle, last = others
    end = len(name) - len(last)
    if len(first) > end or not (name.startswith(first) and name.endswith(last)):
        return False
    position = len(first)
    for piece in middle:
        position = name.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True
