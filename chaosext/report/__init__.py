"""Reports: what a verification says, for people."""
