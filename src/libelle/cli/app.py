"""App: the commands of libelle, put together."""

import sys
from typing import Annotated

import typer

import libelle
from libelle.cli import (
    audit,
    certify,
    check,
    dashboard,
    demo,
    deploy,
    drift,
    evaluate,
    feedback,
    log,
    models,
    predict,
    retrain,
    runs,
    serve,
    train,
)
from libelle.cli.console import say_error
from libelle.errors import LibelleError, UsageError

FAILED, USAGE = 1, 2

app = typer.Typer(
    name="libelle",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Give each short text its official code, with a guarantee on the error rate.",
)


@app.callback()
def begin(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Give each short text its official code, with a guarantee on the error rate."""
    if version:
        typer.echo(f"libelle {libelle.__version__}")
        raise typer.Exit


app.command("check")(check.check)
app.command("train")(train.train)
app.command("certify")(certify.certify)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("retrain")(retrain.retrain)
app.command("serve")(serve.serve)
app.command("dashboard")(dashboard.dashboard)
app.add_typer(models.app, name="models")
app.add_typer(feedback.app, name="feedback")
app.add_typer(runs.app, name="runs")
app.command("drift")(drift.drift)
app.add_typer(audit.app, name="audit")
app.add_typer(log.app, name="log")
app.add_typer(deploy.app, name="deploy")
app.add_typer(demo.app, name="demo")


def run() -> int:
    """Run the command that the arguments name; return the exit code, mistakes told in one line."""
    try:
        return app(prog_name="libelle", standalone_mode=False) or 0
    except typer.TyperException as error:
        say_misuse(error)
        return USAGE
    except UsageError as error:
        say_error(str(error))
        return USAGE
    except LibelleError as error:
        say_error(str(error))
        return FAILED
    except BrokenPipeError:
        sys.stderr.close()  # The reader of our output left: nothing more to say.
        return FAILED
    except OSError as error:  # A disk may fill up at any write.
        say_error(
            f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}. "
            "Free some space or check the rights, then run the same command again."
        )
        return FAILED


def say_misuse(error: typer.TyperException) -> None:
    """Say in one line what is wrong with the arguments, and where help is."""
    message = " ".join(str(getattr(error, "format_message", error.__str__)()).split())
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "libelle"
    if message:  # Without arguments, the help has been printed.
        say_error(f"{message.rstrip('.')}. See `{path} --help`.")
