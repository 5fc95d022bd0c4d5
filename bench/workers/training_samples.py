"""Mean number of ids of a training sample, by whichever package: DATA.parquet ENCODER CONTEXT."""

import json
import sys


def ours(data, encoder, context):
    import numpy as np

    from midigpt.training import TrainConfig
    from midigpt.training.dataset import make_dataset

    config = TrainConfig(encoder_config_path=encoder, max_seq_len=context, mask_apply_probability=0)
    return np.mean(make_dataset(config, [data], 0, 5).lengths)


def theirs(data, encoder, context):
    import midigpt._core as core
    from midigpt.tokenizer.tokenizer import Tokenizer
    from midigpt.training import MidiGPTDataset

    with open(encoder) as file:
        tokenizer = Tokenizer(core.EncoderConfig.from_json(file.read()))
    samples = MidiGPTDataset(data, tokenizer, max_seq_len=context)
    lengths = []
    for _ in range(5):
        for index in range(len(samples)):
            sample = samples[index]
            ids = sample["input_ids"] if isinstance(sample, dict) else sample
            lengths.append(len(ids))
    return sum(lengths) / len(lengths)


if __name__ == "__main__":
    import midigpt

    measure = theirs if midigpt.__version__ == "0.4.2" else ours
    print(json.dumps({"tokens": float(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))}))
