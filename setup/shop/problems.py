"""Answers that are no success, as one exception that the server turns into a response."""


class Problem(Exception):
    """A status from 400, a code for programs and a sentence for people.

    With a status from 500 the log gets the exception that caused it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
