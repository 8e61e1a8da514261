"""A viewer of the repository's dashboards: dashboards/*.json, live and read-only, drawn on the server.

It is not Grafana: it knows the panel types, units, variables and transformations that these files use, and says
so of any other. Queries take the way of /api/ds/query. The drawing is chaosext.report.svg's, as in the reports.
"""
