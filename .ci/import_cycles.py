#!/usr/bin/env python
"""Fail if modules import each other in a cycle, including imports for type checking."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import grimp

PACKAGES = ("nescord_core", "nescord_cli")


def cycles(imports: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield the import cycles; each is broken at its last import before the next is searched."""
    while True:
        try:
            TopologicalSorter(imports).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            yield cycle
            imports[cycle[1]].discard(cycle[0])
        else:
            return


def main() -> int:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    found = list(cycles(imports))
    for cycle in found:
        print(" -> ".join(reversed(cycle)), file=sys.stderr)
    print(f"{len(imports)} modules, {len(found)} import cycle{'' if len(found) == 1 else 's'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
