"""The consistency filter: candidate shards in, judged shards out.

``run`` does one thing after the other, in rounds:

    candidates -> pool, fold_joining -> fold_models -> vectors -> decoys, decoy_judging -> judge_shards -> manifests
    -> summary

``request`` is what was asked for, ``rules`` makes a rule of flags and of decoys, ``judges`` is what a worker holds,
``tally`` adds up what became of pairs, ``identity`` hashes them, ``equal_texts`` finds what falls into one fold with
what, ``neighbours`` finds near decoys, ``shards`` and ``decoy_files`` are what lies on disk, and ``redecide`` applies
another rule to judged shards: it needs no model.
"""
