"""Verification: watches a run, measures detection and recovery, and gives the verdict."""
