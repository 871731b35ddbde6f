"""Management of the product."""
