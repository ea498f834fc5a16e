"""pset on the command line: arguments in, rendering out, exit codes; no mathematics.

A plain question (`pset shape conv --k 3`) is read by its kind's schema alone and answered
before click has loaded; help, completion, errors of usage and all other commands are
click's, built from the same schemas.

Exit codes: 0 answered; 1 our fault (a check failed); 2 bad input or usage; 3 checked, and
the answer is not right.
"""

from __future__ import annotations

import os
import sys

from solver.question import (
    ALONE,
    FAMILIES,
    PLACES,
    answer_last,
    expanded,
    plain_question,
    runs_network,
    stdin_for,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OK, OURS, BAD, WRONG = 0, 1, 2, 3
MOST = 1_000_000  # bytes that are read of an answer's file

def main(argv: list[str] | None = None) -> None:
    """The entry point: answers, and exits with one of the documented codes."""
    words = sys.argv[1:] if argv is None else argv
    if sys.stdout is None:  # closed by the caller: there is nowhere to answer
        sys.exit(BAD)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = guarded(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe left: no more to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    except OSError as e:  # a full disk, a closed output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = failed(f"cannot write the output: {e.strerror or e}", BAD)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def guarded(words: list[str]) -> int:
    """Run, the errors of ours and of the user in one clear line each."""
    from solver.core import BadInput, CheckFailed

    try:
        question = None if "_PSET_COMPLETE" in os.environ else plain_question(words)
        return answer(*question) if question else commands(words)
    except BadInput as e:
        return failed(str(e), BAD)
    except CheckFailed as e:
        return failed(f"our own check failed, so there is no answer: {e}", OURS)


def failed(message: str, code: int) -> int:
    """The error line, control characters taken out."""
    from solver.escape import terminal

    print(f"error: {terminal(message)}", file=sys.stderr)
    return code


# -- questions ----------------------------------------------------------------------------


def answer(kind: str, given: dict[str, Any], format: str) -> int:
    """Solve and print."""
    from solver.kinds import solve
    from solver.registry import unknown
    from solver.render import FORMATS, render

    if format not in FORMATS:
        raise unknown("format", format, list(FORMATS))
    say(render(solve(kind, **given), format))
    return OK


def say(text: str) -> None:
    """Print, the first line in bold on a terminal that wants it."""
    if (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and text[:1] not in "{<%["
    ):
        first, line, rest = text.partition("\n")
        text = f"\033[1m{first}\033[0m{line}{rest}"
    print(text.rstrip("\n"))


# -- commands -----------------------------------------------------------------------------


def commands(words: list[str]) -> int:
    """All that needs click: help, completion, usage errors, documents, checking."""
    import click

    app = build()
    try:
        code = app.main(args=answer_last(words), prog_name="pset", standalone_mode=False)
        return code if isinstance(code, int) else OK
    except click.ClickException as e:
        e.show()
        return BAD
    except click.exceptions.Abort:
        return 130
    except SystemExit as e:  # click ends so when a pipe closes
        if e.code == 1:
            raise BrokenPipeError from None
        return int(e.code or 0)


def build() -> Any:
    """The click application; families list their kinds when they are asked for."""
    import click

    from solver.help import COMMANDS, EXAMPLES

    formats = click.Choice(["text", "tex", "html", "json"])
    written = click.Choice([*formats.choices, "numpy"])  # an answer's, where it can be

    class Family(click.Group):
        """The kinds of one family as commands, each made from its schema when named."""

        def list_commands(self, ctx: Any) -> list[str]:
            from solver.kinds import names

            return sorted(n.partition(" ")[2] for n in names(self.name or ""))

        def get_command(self, ctx: Any, name: str) -> Any:
            from solver.kinds import find

            return command(find(f"{self.name} {name}"))

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            args = expanded([self.name or "", *args])[1:] if args else args
            return super().resolve_command(ctx, args)

    class Run(Family):
        """The kinds of `run`, and `run NET`, whose options may stand before it as well."""

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            if args and runs_network(["run", *args]):
                return "NET", network_run(), args
            return super().resolve_command(ctx, args)

        def collect_usage_pieces(self, ctx: Any) -> list[str]:
            return ["NET [OPTIONS] |", "COMMAND [ARGS]..."]

        def format_options(self, ctx: Any, formatter: Any) -> None:
            super().format_options(ctx, formatter)
            given = [p for p in network_run().params if isinstance(p, click.Option)]
            with formatter.section("Options of pset run NET"):
                formatter.write_dl([p.get_help_record(ctx) for p in given])

    def command(kind: Any) -> Any:
        from solver.aliases import ALIASES
        from solver.help import explain

        parameters: list[Any] = []
        for p in kind.params:
            if p.required and p.type in PLACES:
                parameters.append(
                    click.Argument(
                        [p.name],
                        metavar=p.name.upper(),
                        nargs=-1 if p.type == "Nets" else 1,
                    )
                )
                continue
            short = [
                f"--{a}" for a, n in ALIASES.items() if n == p.name and len(a) <= 3
            ]
            name = p.name.replace("_", "-")
            text = explain(p, kind.name.split()[0])
            if p.type == "bool":
                names = [f"--{name}/--no-{name}", p.name]
                parameters.append(click.Option(names, default=None, help=text))
            else:
                names = [f"--{name}", *(s for s in short if s != f"--{name}"), p.name]
                parameters.append(click.Option(names, metavar="TEXT", help=text))
        parameters.append(click.Option(["--format", "format"], type=written, default="text",
                                       help="how the answer is written"))  # fmt: skip

        def callback(format: str, **given: Any) -> int:
            known = {
                k: stdin_for(v) if isinstance(v, str) else v for k, v in given.items()
            }
            return answer(
                kind.name, {k: v for k, v in known.items() if v is not None}, format
            )

        example = (
            f"\n\n\b\nExample: pset {kind.name} {kind.example}" if kind.example else ""
        )
        return click.Command(
            kind.name.partition(" ")[2], params=parameters, callback=callback,
            help=kind.doc + example, short_help=kind.doc,
        )  # fmt: skip

    app = click.Group(
        name="pset",
        help=COMMANDS,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    from solver import __version__
    from solver.kinds import FAMILIES as topics
    from solver.kinds import find

    for name in FAMILIES:
        example = EXAMPLES[name]
        free = {"ignore_unknown_options": True, "allow_interspersed_args": False}
        made, how = (Run, free) if name == "run" else (Family, {})
        app.add_command(made(name=name, help=f"{topics[name]}\n\nExample: {example}",
                             short_help=topics[name], context_settings=how))  # fmt: skip
    for name in ALONE:
        app.add_command(command(find(name)), name)
    click.version_option(__version__, prog_name="pset")(app)

    def add(function: Any, *parameters: Any) -> None:
        settings = {"ignore_unknown_options": True}  # an answer may be −10
        app.command(function.__name__.rstrip("_"), context_settings=settings)(function)
        app.commands[function.__name__.rstrip("_")].params = list(parameters)

    add(check, click.Argument(["set"]), click.Argument(["part"]),
        click.Argument(["answer"], required=False),
        click.Option(["--file"], type=click.File("rb"), help="the answer, such as a program"),
        click.Option(["--run-code"], is_flag=True, help="run a function, in bubblewrap"),
        click.Option(["--format", "format"], type=formats, default="text"),
        click.Option(["--variant"], default="", metavar="N", help="of the set's variant N"),
        click.Option(["--student"], default="", metavar="NAME", help="of this student's own"),
    )  # fmt: skip
    add(batch, click.Argument(["file"], type=click.File("rb"), default="-"))
    add(kinds, click.Argument(["family"], required=False))
    add(networks)
    from solver.authors.options import COMMANDS as authors
    from solver.courses.options import COMMANDS as courses
    from solver.experiments.options import COMMANDS as experiments
    from solver.training.options import COMMANDS as training

    for home, commands in (
        ("authors", authors), ("courses", courses), ("training", training),
        ("experiments", experiments),
    ):  # fmt: skip
        for name, (about, given) in commands.items():
            app.add_command(own(name, about, given, f"solver.{home}.command"))
    for one in app.commands.values():  # whole first sentences: click would cut them off
        one.short_help = " ".join((one.help or "").split("\n\n")[0].split())
    return app


def own(name: str, about: str, given: dict[str, Any], module: str) -> Any:
    """A command whose function stands in a module of its own, with these options."""
    import click

    of = [(click.Option if n.startswith("-") else click.Argument)(n.split(), **how)
          for n, how in given.items()]  # fmt: skip
    return click.Command(name, params=of, help=about, callback=at_home(module, name))


def network_run() -> Any:
    """The command `run NET`."""
    from solver.running.options import COMMANDS

    command = own("run", *COMMANDS["run"], "solver.running.command")
    command.collect_usage_pieces = lambda ctx: ["[OPTIONS]"]  # the name says NET already
    return command


def at_home(module: str, name: str) -> Any:
    """The command of this name in a package's own module, loaded when it is called."""

    def callback(**given: Any) -> int:
        from solver.registry import load

        return int(getattr(load(module), name)(**given))

    return callback


def check(
    set: str, part: str, answer: str | None, file: Any, run_code: bool, format: str,
    variant: str, student: str,
) -> int:  # fmt: skip
    """Say whether an ANSWER to a PART of a SET is right, and if not, why.

    A function is read only, unless --run-code lets it run in a sandbox (bubblewrap).

    Example: pset check s0 2.2.1.conv1 "6 x 28 x 28; weights 450; params 456"
    """
    from solver.core import BadInput
    from solver.grading import grade_part
    from solver.render import render
    from solver.sets import load_set
    from solver.varied import label

    if (answer is None) == (file is None):
        raise BadInput("give one answer: as a word, as - for standard input, or as --file FILE")
    whole = load_set(set).under(label(variant, student))
    problem = whole[part]
    text = file.read(MOST).decode("utf-8", "replace") if file else stdin_for(answer or "")
    verdict = grade_part(whole, problem, text, run_code=run_code)
    say(render(verdict, format))
    return OK if verdict.mark == "right" else WRONG


def batch(file: Any) -> int:
    """Answer JSON lines from FILE or standard input, one JSON line each.

    A line is {"id", "kind", "given", "answer"?}; a bad one becomes an error line and
    never stops the rest.

    \b
    Example: echo '{"id": 1, "kind": "shape conv", "given": {"kernel": 3}}' | pset batch
    """
    from solver.batch import answered

    for line in answered(file):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return OK


def kinds(family: str | None) -> int:
    """List the kinds of question: `pset shape conv --help` says what one is given.

    Example: pset kinds shape
    """
    from textwrap import fill

    from solver.kinds import FAMILIES, find, names
    from solver.registry import unknown

    if family is not None and family not in FAMILIES:
        raise unknown("family", family, list(FAMILIES))
    listed = [find(name) for name in names(family or "")]
    broad = max(len(kind.name) for kind in listed) + 2
    terminal = sys.stdout.isatty()  # a line each where it is searched by a program
    for kind in listed:
        whole = f"{kind.name.ljust(broad)}{kind.doc}"
        print(fill(whole, 80, subsequent_indent=" " * broad) if terminal else whole)
    return OK


def networks() -> int:
    """List the bundled networks, with their sources.

    Example: pset networks
    """
    from solver.networks.net import network
    from solver.registry import first_line
    from solver.sets import bundled, load_set

    for name, build_ in network.items():
        print(f"{name:20} {first_line(build_)}")
    for name in bundled():
        for own, notation in load_set(name).networks.items():
            print(f"{f'{name}/{own}':20} {' '.join(notation.split())}")
    return OK


if __name__ == "__main__":
    main()
