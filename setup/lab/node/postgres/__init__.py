"""The lab's stand-in for the official PostgreSQL image; it runs on its own, without the lab's packages."""
