"""The static encoder: token vectors, mean-pooled. Its tokenizer, its training and its export."""
