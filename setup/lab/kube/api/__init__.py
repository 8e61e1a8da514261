"""The HTTP side: requests are read, checked, handed to the store, and answered in the form asked for."""
