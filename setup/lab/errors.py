"""The one error that the lab's command line prints as a line of text."""


class LabError(Exception):
    """What is wrong, where, and what to do about it, in one line for a person."""
