"""Training: pieces to samples, samples to batches, batches to a checkpoint."""
