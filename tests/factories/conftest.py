from resift.tests.server.conftest import run

__all__ = ["run"]
