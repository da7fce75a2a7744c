"""
Measurements beside the peers, in one run on one machine.

``make bench`` runs them all and writes ``benchmarks/RESULTS.md``; ``make bench BENCH_ARGS="imports memory_store"`` runs
the scripts named and renews their sections only.

A script is a module of this package that has a docstring and a function ``rows()``, which yields `measuring.Row`
objects. It imports the peers freely: it is run in an environment that has them.
"""
