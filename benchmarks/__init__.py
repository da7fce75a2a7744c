"""
Measurements beside the peers, in one run on one machine.

``make bench`` runs them all; ``python -m benchmarks import`` runs the script ``import_.py`` alone.
"""
