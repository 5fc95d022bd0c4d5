"""Parity with MIDI-GPT 0.4.2 at scale, on real music.

A comparison is one generator of cases written against the public names of MIDI-GPT 0.4.2, which
both packages have. It runs here and, in one subprocess, in a Python that has the oracle installed
(``pip install "midigpt[inference]==0.4.2"``); equal cases are counted, different ones printed.

    MIDIGPT_ORACLE_PYTHON=/path/to/oracle/bin/python \\
        python -m tests.parity --music FILE.parquet... --files 300

To add a comparison, put a module with ``cases(piece)`` into ``comparisons`` and name it in
``comparisons.NAMES``.
"""
