"""``python -m midigpt.training``: train a model from Parquet files of music."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from midigpt.training.config import TrainConfig
from midigpt.training.trainer import train


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m midigpt.training", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON settings")
    parser.add_argument("--data", type=Path, required=True, help="Parquet file to train on")
    parser.add_argument("--valid", type=Path, help="Parquet file to validate on")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the results")
    parser.add_argument("--minutes", type=float, help="wall time of training")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = TrainConfig.from_file(args.config)
    if args.minutes is not None:
        config = replace(config, max_minutes=args.minutes)
    print(train(config, args.data, args.valid, args.output, args.resume))


if __name__ == "__main__":
    main()
