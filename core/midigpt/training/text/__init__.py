"""Training of text-to-music Llamas, small and large: ``python -m midigpt.training.text``.

``sources.py`` gives pieces with or without captions, ``anticipation.py`` moves events to the
control stream, ``examples.py`` makes sequences of ids, ``loss.py`` and ``trainer.py`` learn from
them, ``tokenizer.py`` makes a vocabulary for a small model, ``__main__.py`` is the command. See
docs/training-midi-llm.md.
"""
