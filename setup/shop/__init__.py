"""The e-commerce shop: one program, `python -m shop <service>`, that is any of its services."""
