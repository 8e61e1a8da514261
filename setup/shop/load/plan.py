"""How many people there are, and where they go."""

from dataclasses import dataclass

from shop import settings

MOST_USERS = 1000


@dataclass(frozen=True)
class Plan:
    """The storefront's URL and the number of people of each kind."""

    target: str
    browsers: int
    cart_users: int
    payers: int

    @property
    def people(self) -> int:
        """All of them."""
        return self.browsers + self.cart_users + self.payers


def read_plan() -> Plan:
    """Return the plan from TARGET_URL, BROWSERS, CART_USERS and PAYERS; raises SettingsError."""
    plan = Plan(
        target=settings.url("TARGET_URL", "http"),
        browsers=settings.integer("BROWSERS", 0, MOST_USERS),
        cart_users=settings.integer("CART_USERS", 0, MOST_USERS),
        payers=settings.integer("PAYERS", 0, MOST_USERS),
    )
    if plan.people == 0:
        raise settings.SettingsError("BROWSERS, CART_USERS and PAYERS are all 0: nobody would come")
    return plan
