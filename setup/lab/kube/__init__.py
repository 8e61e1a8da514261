"""A Kubernetes API server and its controllers, in one asyncio loop and in memory.

The judges are clients nobody here wrote: kubectl, the Python client and Chaos Toolkit's Kubernetes extension.
"""
