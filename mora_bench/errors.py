"""The exceptions for errors that the user can correct."""


class UserError(Exception):
    """Bad input. The message names the file, row or option, says what was expected and what to do.

    The command line prints it as one line and exits with code 2; nothing already computed is touched.
    """


class PlainError(UserError):
    """The same, with a message of our own words, options and folders alone: it quotes nothing that data hold, so it may
    stand in a record about patients."""
