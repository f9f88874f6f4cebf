#!/usr/bin/env python3
"""The OSCAL that Lexecon writes, read by a tool of others: compliance-trestle.

Its models are made from NIST's schemas and refuse what those do not have; its
validators look at ids and references. What is not in either, this looks at
itself: that references lead somewhere and ids are UUIDs of version 5.

    check.py FILE...
"""

import json
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Iterator, Tuple

from trestle.core.validator_factory import validator_factory
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.component import ComponentDefinition

MODELS = {"assessment-results": AssessmentResults, "component-definition": ComponentDefinition}
ALL = validator_factory.get(Namespace(mode="all"))
UUID_5 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def members(value: Any) -> Iterator[Tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from members(item)
    elif isinstance(value, list):
        for item in value:
            yield from members(item)


def check(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    (kind,) = document
    model = MODELS[kind].oscal_read(path)
    if not ALL.model_is_valid(model, quiet=False):
        raise SystemExit(f"{path}: trestle's validators refuse it")
    uuids = [item for name, item in members(document) if name == "uuid"]
    wrong = [uuid for uuid in uuids if UUID_5.fullmatch(uuid) is None]
    if wrong or len(set(uuids)) != len(uuids):
        raise SystemExit(f"{path}: ids are no UUIDs of version 5, or not unique: {wrong}")
    led_to = [item for name, item in members(document) if name.endswith("-uuid")]
    led_to += [item[1:] for name, item in members(document) if name == "href" and item.startswith("#")]
    lost = [uuid for uuid in led_to if uuid not in uuids]
    if lost:
        raise SystemExit(f"{path}: references lead nowhere: {lost}")
    print(f"{path}: {kind}, {len(uuids)} ids")


def main() -> int:
    for path in sys.argv[1:]:
        check(Path(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
