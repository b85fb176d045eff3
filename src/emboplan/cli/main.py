"""The command line: one file per command, and one place that turns failures into exit statuses.

0 is an answer (also the answer "ineligible"), 2 is unusable input, 1 is a fault of ours. Results go to
standard output, messages and progress to standard error. Commands import their libraries when they run, so
that ``emboplan --help`` answers at once.
"""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, NoReturn, cast

import typer

from emboplan import __version__
from emboplan.cli import (
    activity,
    catalog,
    check,
    compare,
    demo,
    dose,
    load,
    measure,
    phantom,
    plan,
    register,
    respond,
    schedule,
    segment,
    shunt,
    verify,
)
from emboplan.errors import CaseFileError, CatalogError, InputError

NOT_A_DEVICE = "Research software, not a medical device."

app = typer.Typer(
    name="emboplan",
    help=f"From DICOM to a liver embolization plan that can be checked. {NOT_A_DEVICE}",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command("demo")(demo.demo)
app.command("plan")(plan.plan)
app.command("segment")(segment.segment)
app.command("burden")(measure.burden)
app.command("compare")(compare.compare)
app.command("check")(check.check)
app.command("activity")(activity.activity)
app.command("shunt")(shunt.shunt)
app.command("register")(register.register)
app.command("dose")(dose.dose)
app.command("schedule")(schedule.schedule)
app.command("load")(load.load)
app.command("verify")(verify.verify)
app.command("respond")(respond.respond)
app.add_typer(phantom.app, name="phantom")
app.add_typer(catalog.app, name="catalog")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"emboplan {__version__}\n{NOT_A_DEVICE}")
        raise typer.Exit


@app.callback()
def _root(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a fault.")] = False,
) -> None:
    _Debug.wanted = debug
    # pydicom and highdicom warn about each odd value, sometimes quoting it; findings say what matters.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    logging.getLogger("highdicom").setLevel(logging.CRITICAL)


class _Debug:
    wanted = False


UNUSABLE, INTERRUPTED = 2, 130

# Typer hands out one child of its usage errors only; the parent covers missing and unknown arguments too.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


def main() -> None:
    """Run the command line and leave with the exit status that COMMANDS promises."""
    import signal
    import warnings

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's kill cleans up like Ctrl-C
    warnings.simplefilter("ignore")  # libraries' warnings are no messages to a user of the command line
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without our signs shows the rest
    try:
        status = app(standalone_mode=False)
    except UsageError as error:
        _refuse_usage(error)
    except InputError as error:
        _refuse(_problems(error))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        raise SystemExit(0) from None
    except Exception as error:  # noqa: BLE001  the last door: a fault of ours is reported, not shown raw
        if _Debug.wanted:
            traceback.print_exc()
        else:
            sys.stderr.write(
                f"fault: emboplan failed with {type(error).__name__}; "
                "please report it with the output of `emboplan --debug ...`\n"
            )
        raise SystemExit(1) from None
    if status == INTERRUPTED:
        sys.stderr.write("interrupted; nothing was written\n")
    raise SystemExit(status if isinstance(status, int) else 0)


def _problems(error: InputError) -> Sequence[str]:
    """The mistakes that a failure tells of: several of a case file, a table or a site's own protocol."""
    if isinstance(error, CaseFileError):
        return error.problems
    return str(error).splitlines() if isinstance(error, CatalogError) else [str(error)]


def _refuse(problems: Sequence[str]) -> NoReturn:
    """One line for each mistake, whatever line breaks and control signs a file name brings into it."""
    for problem in problems:
        line = " ".join(part.strip() for part in problem.splitlines())
        sys.stderr.write("error: " + "".join(c if c.isprintable() else "?" for c in line) + "\n")
    raise SystemExit(UNUSABLE) from None


def _refuse_usage(error: typer.BadParameter) -> NoReturn:
    """A command line that does not fit, in one line; a command without its arguments shows its help."""
    message = error.format_message()
    if len(message.splitlines()) > 1:
        sys.stderr.write(message + "\n")
        raise SystemExit(UNUSABLE) from None
    command = "emboplan" if error.ctx is None else error.ctx.command_path
    _refuse([f"{message.rstrip('.')}; see `{command} --help`"])


if __name__ == "__main__":
    main()
