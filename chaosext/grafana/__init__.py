"""Grafana's HTTP API: queries through data sources, and annotations."""
