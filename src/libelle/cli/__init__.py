"""Command line: one command per use case."""

import sys

from libelle.cli.app import app
from libelle.cli.console import say_error
from libelle.errors import LibelleError, UsageError

__all__ = ["app", "main"]

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main() -> None:
    """Run a command; a user's mistake ends in one line and an exit code, never in a traceback."""
    try:
        app()
    except UsageError as error:
        say_error(str(error))
        sys.exit(USAGE)
    except LibelleError as error:
        say_error(str(error))
        sys.exit(FAILED)
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != INTERRUPTED:
            raise  # Typer turns Ctrl-C into this code, without a word.
        say_error("Interrupted. What was finished is kept: run the same command to go on.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # The reader of our output left: nothing more to say.
        sys.exit(FAILED)
    except OSError as error:  # A disk may fill up at any write.
        say_error(
            f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}. "
            "Free some space or check the rights, then run the same command again."
        )
        sys.exit(FAILED)
