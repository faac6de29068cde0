"""How records move: everything that reads dumps and everything that knows Apache Beam, one module per source."""
