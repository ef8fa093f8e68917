"""What a policy sees of Pong."""

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import UserError

_TOP, _BOTTOM = 34, 194  # the rows between the walls
_STAY, _UP, _DOWN = 0, 2, 3  # of the Atari's actions


def pong_frames(*, actions: Sequence[int] = (_STAY, _UP, _DOWN)) -> Callable[[Any], Any]:
    """A wrapper for Pong: small pictures of what moved, and only the actions that differ.

    Each picture is the field in 80 × 80 grey pixels, minus the one before, so that it tells which
    way the ball flies. Shape `(1, 80, 80)`, values in [-1, 1].

    Args:
        actions: of the Atari's, those that may be chosen: stay, up and down.

    Raises:
        UserError: the games are not installed.
    """
    try:
        import ale_py
    except ModuleNotFoundError:
        raise UserError(
            "Atari games need ale-py, which is not installed: pip install 'losslab[atari]'"
        ) from None
    import numpy as np
    from gymnasium.spaces import Box, Discrete
    from gymnasium.wrappers import FrameStackObservation, TransformAction, TransformObservation

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no banner

    def field(frame: Any) -> Any:
        return frame[_TOP:_BOTTOM:2, ::2].astype(np.float32) / 255

    def moved(pair: Any) -> Any:
        return pair[1:] - pair[:1]

    chosen = list(actions)

    def wrap(game: Any) -> Any:
        game = TransformObservation(game, field, Box(0, 1, (80, 80), np.float32))
        game = FrameStackObservation(game, 2)
        game = TransformObservation(game, moved, Box(-1, 1, (1, 80, 80), np.float32))
        return TransformAction(game, lambda action: chosen[action], Discrete(len(chosen)))

    return wrap
