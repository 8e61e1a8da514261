"""A stand-in for the part of Grafana's HTTP API that the suite uses, in front of a real Prometheus."""
