"""Daily figures of accounts and every read of them."""
