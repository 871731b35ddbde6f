"""`python -m tests.supply`: what the product is made of by others: audited, licensed, listed as a bill of materials."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = ROOT / "requirements.txt"
LOCKS = (REQUIRED, ROOT / "requirements-dev.txt", ROOT / "requirements-bench.txt")
VENDORED = ROOT / "static" / "vendor"
LICENCES = ROOT / "docs" / "licences.md"
SBOM = ROOT / "var" / "sbom.json"
AUDIT_SECONDS = 120
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]+\])?==(?P<version>[^ ;\\]+)")
ROW = re.compile(
    r"\| (?P<file>\S+/\S+) \| (?P<name>\S+) (?P<version>\S+) \| (?P<licence>\S+) \| (?P<sha256>[0-9a-f]{64}) \|"
)
CLASSIFIER = "License :: OSI Approved :: "
SHORT = 60  # characters; a longer field holds the whole text of a licence, whose first line names it

INTRODUCTION = """# Licences of what Tidemark needs

Made by `make licences` from what the packages say of themselves; a test compares it with requirements.txt. Tidemark
itself is BSD-3-Clause. Nothing below is under the GPL or AGPL; psycopg2 and gprof2dot (which django-silk needs, in
development) are under the LGPL, which asks nothing of whoever uses them unchanged.

**Optional**: `pillow-heif`, which reads HEIC photos, is BSD-3-Clause, but its wheels bundle x265, which is under the
GPL 2. It is in requirements-dev.txt alone: nothing requires it, and without it a HEIC photo is refused with a sentence
that says so. Whoever installs it and passes the installation on owes what the GPL asks.

| Package | Licence |
|---|---|
"""
FRONT_END = """
The browser loads these as well, unmodified, each with its licence beside it in `static/vendor`:

| Package | Licence |
|---|---|
"""


@dataclass(frozen=True)
class Pin:
    """One package of a lock: its only version, and the hashes of the files that may be installed as it."""

    name: str
    version: str
    sha256: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Vendored:
    """A file of others that the browser loads, as static/vendor/README.md describes it."""

    file: str
    name: str
    version: str
    licence: str
    sha256: str


def locked(lock: Path) -> list[Pin]:
    """The packages of a lock. Raises ValueError for a line that is no pin."""
    pins = []
    for requirement in lock.read_text().replace("\\\n", " ").splitlines():
        if not requirement.strip() or requirement.startswith("#"):
            continue
        if not (found := PIN.match(requirement)):
            raise ValueError(f"{lock.name}: not pinned: {requirement[:80]}")
        pins.append(Pin(found["name"], found["version"], re.findall(r"--hash=sha256:([0-9a-f]{64})", requirement)))
    return pins


def vendored() -> list[Vendored]:
    """The rows of static/vendor/README.md."""
    return [Vendored(**row.groupdict()) for row in ROW.finditer((VENDORED / "README.md").read_text())]


def licence_of(name: str) -> str:
    """What an installed package says of its licence, empty when it says nothing."""
    said = metadata.metadata(name)
    if expression := said.get("License-Expression"):
        return expression
    classified = [one.removeprefix(CLASSIFIER) for one in said.get_all("Classifier", []) if one.startswith(CLASSIFIER)]
    written = (said.get("License") or "").strip().partition("\n")[0]
    return " or ".join(classified) or written[:SHORT]


def installed(lock: Path) -> Iterator[Pin]:
    """The packages of a lock that this machine takes; some are for other systems."""
    for pin in locked(lock):
        try:
            metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            continue
        yield pin


def licences() -> str:
    """docs/licences.md as it should be."""
    rows = [f"| {pin.name} | {licence_of(pin.name)} |" for pin in installed(REQUIRED)]
    front_end = sorted({f"| {one.name} | {one.licence} |" for one in vendored()})
    return INTRODUCTION + "\n".join(rows) + "\n" + FRONT_END + "\n".join(front_end) + "\n"


def bill_of_materials() -> str:
    """What is installed in production and what the browser loads, as CycloneDX 1.6 in JSON."""
    bom = Bom()
    bom.metadata.component = Component(name="tidemark", type=ComponentType.APPLICATION)
    for pin in locked(REQUIRED):
        bom.components.add(_component(pin.name, pin.version, licence=_licence_if_installed(pin.name), kind="pypi"))
    for one in vendored():
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one.sha256)]
        file = _component(one.name, one.version, licence=one.licence, kind="npm", file=one.file, hashes=hashes)
        bom.components.add(file)
    bom.register_dependency(bom.metadata.component, bom.components)
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def _licence_if_installed(name: str) -> str:
    try:
        return licence_of(name)
    except metadata.PackageNotFoundError:  # for another system
        return ""


def _component(
    name: str, version: str, *, licence: str, kind: str, file: str = "", hashes: list[HashType] | None = None
) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{kind}:{name}@{version}{file and '#'}{file}",
        purl=PackageURL(kind, None, name.lower(), version, subpath=file or None),
        licenses=[DisjunctiveLicense(name=licence)] if licence else [],
        hashes=hashes or [],
    )


def audit() -> int:
    """Ask for known vulnerabilities of everything locked for development, which holds what production needs.

    1 when one is known. Not being able to ask is no failure, and is never called clean.
    """
    for service in ("pypi", "osv"):
        asked, known = _ask(service, LOCKS[1])
        for name, ids in known.items():
            print(f"!!! {name}: {', '.join(ids)}. Raise it with `make lock` and read what it asks for. !!!")
        total = len(locked(LOCKS[1]))
        if known:
            return 1
        if asked == total:
            print(f"None of the {total} locked packages has a known vulnerability ({service}).")
            return 0
    print(
        f"\n!!! {total - asked} OF {total} LOCKED PACKAGES COULD NOT BE AUDITED: no service answered. Run `make audit`"
    )
    print("!!! where the network is open before you release.")
    return 0


def _ask(service: str, lock: Path) -> tuple[int, dict[str, list[str]]]:
    """How many packages `service` knew, and the vulnerabilities of those that have some."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--timeout", "5", "-s", service, "-f", "json", "-r", str(lock)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False).stdout
        packages = json.loads(said)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return 0, {}
    answered = [one for one in packages if "skip_reason" not in one]
    return len(answered), {one["name"]: [found["id"] for found in one["vulns"]] for one in answered if one["vulns"]}


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(what: str) -> int:
    """Do one of the three; the exit code."""
    if what == "audit":
        return audit()
    if what == "licences":
        LICENCES.write_text(licences())
        print(f"Written: {LICENCES.relative_to(ROOT)}")
    if what == "sbom":
        SBOM.parent.mkdir(exist_ok=True)
        SBOM.write_text(bill_of_materials())
        print(f"Written: {SBOM.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
