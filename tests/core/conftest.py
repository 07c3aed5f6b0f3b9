from resift.tests.store.conftest import manifest, store

__all__ = ["manifest", "store"]
