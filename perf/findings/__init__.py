"""What to mend, and where: sentences made of what was recorded."""

from perf.findings.report import Finding, findings

__all__ = ["Finding", "findings"]
