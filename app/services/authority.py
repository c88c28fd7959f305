"""Who may do what. Every use case asks here first, so that no page can forget to."""

from dataclasses import dataclass

from app.services.errors import Refused
from storage.models import Role


@dataclass(frozen=True)
class Actor:
    """Somebody who acts, as the database knows them at this moment."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this actor has `role` or one above it."""
        return self.role.value >= role.value


# The person at the machine's own command line: whoever can run it can read the database anyway.
OPERATOR = Actor("cli", Role.admin)
SYSTEM = Actor("system", Role.admin)


class NotAllowed(Refused):
    """The actor's role is below what the use case asks for."""


def require(actor: Actor, role: Role) -> None:
    """Raises NotAllowed, with both roles, unless `actor` has `role` or one above it."""
    if not actor.may(role):
        raise NotAllowed(
            f"{actor.name} is {actor.role.name}, and this needs {role.name}: ask an admin for the role {role.name}"
        )
