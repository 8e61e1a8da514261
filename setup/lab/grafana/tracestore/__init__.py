"""A stand-in for Tempo: spans received by OTLP/HTTP, kept in memory, asked in a part of TraceQL.

A process of its own, so that neither a burst of spans nor a costly search can hold up the lab's daemon.
"""
