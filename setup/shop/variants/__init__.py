"""Buggy releases: programs of their own that a fault's manifest deploys in place of a service."""
