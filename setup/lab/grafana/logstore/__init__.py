"""A stand-in for Loki: the pods' output in memory, asked in a part of LogQL, and the recording rules on it.

A process of its own, so that neither a burst of lines nor a costly query can hold up the lab's daemon.
"""
