"""Who asks (tokens, ServiceAccounts), and what they may do (roles and bindings)."""
