"""Kubernetes: applying a manifest, restoring from one, and proof that the live state equals one."""
