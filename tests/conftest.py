from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_journals_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever the tests start keeps its journal out of the user's data directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIDIGPT_DATA", str(tmp_path_factory.mktemp("midigpt-data")))
        yield
