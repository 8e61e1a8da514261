"""The embedded environment: a small world on one machine in which the experiments run."""
