"""The same small training, written for each peer.

Each file is run as `python -m benchmarks.peers.NAME first|steps|memory` and prints one number: the
wall-clock time of the first training step, seconds per step, or peak memory in MiB.
"""
