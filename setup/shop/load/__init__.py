"""The load: people who browse, fill carts and pay, played by Locust."""
