"""The services of the shop, one module or folder each; every one has `build(identity)`."""
