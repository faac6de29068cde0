"""Training an encoder on pairs: settings, tokens, the order of the data, the loop, checkpoints."""
