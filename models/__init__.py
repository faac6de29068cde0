"""The room for encoders, the contrastive loss, the trainer, evaluation and export."""
