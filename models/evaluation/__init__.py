"""How well a model finds documents: retrieval sets in BEIR's layout, exact search, BM25 beside it, standard metrics."""
