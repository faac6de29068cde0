"""The consistency filter: candidate shards in, judged shards out."""
