"""Pages of what perf recorded, a module each; administrators alone see them."""
