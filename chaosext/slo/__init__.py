"""Service level indicators and objectives: from one OpenSLO file to queries, probes and budgets."""
