import logging
import os
import subprocess
import sys

import pytest

import midigpt
from midigpt import LogLevel, set_verbosity


@pytest.fixture(autouse=True)
def restored():
    yield
    set_verbosity(LogLevel.WARNING)


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (LogLevel.OFF, []),
        (1, ["error"]),
        (2, ["error", "warning"]),
        (LogLevel.INFO, ["error", "warning", "info"]),
        (5, ["error", "warning", "info", "debug"]),
    ],
)
def test_each_level_says_what_is_as_bad_or_worse(level, said, caplog):
    set_verbosity(level)
    logger = logging.getLogger("midigpt.anything")
    for kind in ("error", "warning", "info", "debug"):
        getattr(logger, kind)(kind)
    assert [record.message for record in caplog.records] == said


@pytest.mark.parametrize("level", [-1, 6, "loud"])
def test_other_levels_are_refused(level):
    with pytest.raises(ValueError, match=f"log level is {level!r}"):
        set_verbosity(level)


@pytest.mark.parametrize(("value", "level"), [("debug", 10), ("0", 60), ("1", 40), ("", 30)])
def test_the_environment_sets_the_level(value, level):
    code = "import midigpt, logging; print(logging.getLogger('midigpt').level)"
    environment = {**os.environ, "MIDIGPT_LOG_LEVEL": value}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert int(run.stdout) == level
    assert midigpt.__version__
