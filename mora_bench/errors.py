"""The exception for errors that the user can correct."""


class UserError(Exception):
    """Bad input. The message names the file, row or option, says what was expected and what to do.

    The command line prints it as one line and exits with code 2; nothing already computed is touched.
    """
