"""The entry point of `resift`: it looks at the arguments before it imports what they need."""

import sys

IN_ENGINE = ("search", "ingest", "collections", "delete", "optimize")
"""The commands that run inside the engine when there is one."""


def main() -> None:
    """Run the command line. Most clients only need the relay, which starts in an instant.

    Exit codes: 0 success, 1 failure, 2 usage error.
    """
    if sys.argv[1:] == ["serve"]:
        from .relay.pump import relay

        sys.exit(relay())
    if sys.argv[1:] in (["status"], ["status", "--json"], ["stop"]):
        from .relay import control

        sys.exit(control.stop() if sys.argv[1] == "stop" else control.status(as_json="--json" in sys.argv))
    if sys.argv[1:2] and sys.argv[1] in IN_ENGINE:
        from .relay.forward import forward

        if (code := forward(sys.argv[1:])) is not None:
            sys.exit(code)
    from .cli.app import main as run_command

    run_command()
