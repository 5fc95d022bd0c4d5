"""Generation: models, sampling, sessions."""
