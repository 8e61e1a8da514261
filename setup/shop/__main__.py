"""`python -m shop <service>`: read the environment, then serve until SIGTERM."""

import importlib
import sys

from shop.settings import Identity, SettingsError, read_identity

# What a service is called on the command line, its module, and the name it has unless SERVICE_NAME says
# otherwise: a buggy release answers for the service that it replaces.
PROGRAMS = {
    "web-gateway": ("shop.services.web_gateway", "web-gateway"),
    "api-gateway": ("shop.services.api_gateway", "api-gateway"),
    "product": ("shop.services.product", "product"),
    "cart": ("shop.services.cart", "cart"),
    "checkout": ("shop.services.checkout", "checkout"),
    "content": ("shop.services.content", "content"),
    "payment": ("shop.services.payment", "payment"),
    "payment-failures": ("shop.variants.payment_failures", "payment"),
    "slow-payments": ("shop.variants.slow_payments", "payment"),
    "basic-bug": ("shop.variants.basic_bug", "product"),
    "too-many-connections": ("shop.variants.too_many_connections", "too-many-connections"),
}

# What serves nothing, and ends by itself or on SIGTERM.
JOBS = {"too-many-connections"}

EXIT_USAGE = 2


def main(arguments: list[str]) -> int:
    """Run the service named by the only argument; return the exit code (2: wrong name or environment)."""
    if len(arguments) != 1 or arguments[0] not in PROGRAMS:
        given = f"unknown service '{arguments[0]}'" if len(arguments) == 1 else "name one service"
        print(f"shop: {given}; usage: python -m shop {{{'|'.join(PROGRAMS)}}}", file=sys.stderr)
        return EXIT_USAGE
    module, default_name = PROGRAMS[arguments[0]]
    try:
        identity = read_identity(default_name)
        program = importlib.import_module(module) if arguments[0] in JOBS else None
        return program.main(identity.name) if program else _serve(module, identity)
    except SettingsError as error:
        print(f"shop {arguments[0]}: {error}", file=sys.stderr)
        return EXIT_USAGE


def _serve(module: str, identity: Identity) -> int:
    # Imported here, so that a wrong command line is answered at once, and no service loads another's libraries.
    from shop import logs, server, telemetry  # noqa: PLC0415 - see above

    logs.configure(identity.name)
    tracing = telemetry.start(identity)
    application = importlib.import_module(module).build(identity)
    try:
        return server.run(application, identity)
    finally:
        tracing.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
