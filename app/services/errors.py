"""What a use case answers when it will not do what was asked."""


class Refused(Exception):
    """A sentence for the person who asked: what is wrong, with the values, and what to do next."""
