#!/usr/bin/env python
"""Check the licences of what is installed in an environment, and ask for known vulnerabilities of it.

Exits with 3 where the databases of vulnerabilities cannot be reached: that is neither good nor bad.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

NOT_CHECKED = 3
ALLOWED = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",  # of files, not of programs that use them
    "PSF-2.0",
}
SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the mit license (mit)": "MIT",
}
READ_BY_HAND = {"aiofastnet": "MIT", "picows": "MIT"}
"""Packages whose metadata names no licence, with that of their LICENSE file."""


def installed(site: Path) -> Iterator[Distribution]:
    """Yield the packages of an environment, without nescord and what makes environments."""
    for each in importlib.metadata.distributions(path=[str(site)]):
        if each.name not in {"nescord", "pip", "setuptools"}:
            yield each


def licence(package: Distribution) -> str:
    """Return a package's licence as an SPDX expression, as far as its metadata tells; else empty."""
    if package.name in READ_BY_HAND:
        return READ_BY_HAND[package.name]
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = metadata.get_all("Classifier") or []
    named = [text.rsplit("::", 1)[-1].strip() for text in classifiers if text.startswith("License ::")]
    text = (metadata.get("License") or "").strip().split("\n")[0] or " OR ".join(named)
    return SPELLINGS.get(text.lower(), text)


def is_allowed(expression: str) -> bool:
    """Return whether an expression has only allowed licences; of alternatives, one is enough."""
    if not expression:
        return False
    parts = re.split(r"\s+AND\s+(?![^(]*\))", expression)
    return all(any(each.strip(" ()") in ALLOWED for each in part.split(" OR ")) for part in parts)


def check_licences(site: Path) -> bool:
    """Print the packages whose licence is not allowed; return whether there are none."""
    packages = list(installed(site))
    refused = [(each.name, licence(each)) for each in packages if not is_allowed(licence(each))]
    for name, text in sorted(refused):
        print(f"{name}: the licence {text or '(none named)'} is not one of {', '.join(sorted(ALLOWED))}")
    print(f"licences of {len(packages)} packages: {len(refused)} not allowed")
    return not refused


def audit(site: Path) -> int:
    """Ask the databases that pip-audit uses; return 0, 1 for vulnerabilities, or `NOT_CHECKED`."""
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    command = [sys.executable, "-m", "pip_audit", "--path", str(site), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"NOT CHECKED for known vulnerabilities: {done.stderr.strip().splitlines()[-1:]}")
        return NOT_CHECKED
    # A mirror answers for no package, which pip-audit counts as nothing found.
    found = [each for each in answers if each["name"] != "nescord"]
    skipped = sorted(each["name"] for each in found if "skip_reason" in each)
    vulnerable = [each for each in found if each.get("vulns")]
    for each in vulnerable:
        print(f"{each['name']} {each['version']}: {', '.join(one['id'] for one in each['vulns'])}")
    print(f"known vulnerabilities of {len(found) - len(skipped)} packages: {len(vulnerable)} vulnerable")
    if skipped:
        print(f"NOT CHECKED for known vulnerabilities, as no database answered: {', '.join(skipped)}")
    return 1 if vulnerable else NOT_CHECKED if skipped else 0


def main() -> int:
    """Check the environment whose site-packages are named."""
    site = Path(sys.argv[1])
    licences, vulnerabilities = check_licences(site), audit(site)
    return vulnerabilities if licences else 1


if __name__ == "__main__":
    sys.exit(main())
