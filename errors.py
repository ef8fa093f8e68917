"""The one exception that means: the user can fix this."""


class UserError(Exception):
    """Something the user can put right.

    Its text says what was wrong, what was expected, and what to do.

    The command line prints the text without a traceback and exits with code 2.
    """
