"""Encoders that are transformers: any model that transformers' AutoModel loads, pooled and normalised."""
