"""The entry point of `resift`: it looks at the arguments before it imports what they need."""

import sys

from .engine.greeting import IN_ENGINE


def main() -> None:
    """Run the command line. Most commands only need the engine, whose client starts in an instant.

    Exit codes: 0 success, 1 failure, 2 usage error, 130 Ctrl-C.
    """
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> None:
    if arguments == ["serve"]:
        from .relay.pump import relay

        sys.exit(relay())
    if arguments in (["status"], ["status", "--json"], ["stop"], ["stop", "--now"]):
        from .relay import control

        stops = arguments[0] == "stop"
        sys.exit(control.stop(now="--now" in arguments) if stops else control.status(as_json="--json" in arguments))
    if arguments and arguments[0] in IN_ENGINE:
        from .relay.forward import forward

        if (code := forward(arguments)) is not None:
            sys.exit(code)
    from .cli.app import main as run_command

    run_command()
