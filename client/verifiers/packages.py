#!/usr/bin/env python3
"""Write the small package that tests of both verifiers and of every format begin with: client/tests/package/.

    packages.py [DIRECTORY]

It has a ledger (an export directory), the records that its entries make, and how a few duties and controls stand.
Texts are such as break formats: formulas, tables, markup, line breaks. As in ledgers.py nothing is drawn by chance.
"""

import json
import shutil
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, Dict, List, Tuple

from ledgers import Files, Log, N1, drawn, export, ident
from verify import canonical, sha256

FIXTURE = Path(__file__).resolve().parents[1] / "tests/package"
ACTOR = "ai_agent:triage"
HOSTILE = "=HYPERLINK(\"http://evil.example\",\"x\") | <script>alert(1)</script>\n`*_[a](b)\r\n\"quoted\", & 'so on'"


def policy_hash() -> str:
    return drawn("policy").hex()


def numbered(prefix: str, other: str) -> str:
    """The id of what goes with something: its number under another prefix."""
    return f"{prefix}_{other.split('_', 1)[1]}"


def decision(log: Log, name: str, outcome: str, **data: Any) -> Dict[str, Any]:
    """Appends a decision and returns its record."""
    shared = {
        "action": "read_claim",
        "actor": ACTOR,
        "data_classes": ["claims"],
        "decision_id": ident("dec", name),
        "escalation_id": None,
        "outcome": outcome,
        "policy_hash": policy_hash(),
        "policy_mode": "strict",
        "policy_version": 1,
        "reason": "Triage may read open claims",
        "reason_code": "permitted" if outcome == "allowed" else "forbidden",
        "request_id": ident("req", name),
        "resource": None,
        "risk": {"basis": "none", "level": "low", "score": 1},
        "risk_id": None,
        "token_id": ident("tok", name) if outcome == "allowed" else None,
        "tool": None,
        **data,
    }
    personal = {"context": {"note": HOSTILE}, "context_hash": drawn("context").hex(), "user_intent": HOSTILE}
    number = log.add("decision", {**shared, "engine_version": 1, "by": "apik_triage"}, personal)
    return of(log, number, {**shared, **personal, "effective_outcome": outcome})


def of(log: Log, number: int, record: Dict[str, Any], at: str = "timestamp") -> Dict[str, Any]:
    hashed = {"ledger_entry_hash": log.leaf(number).hex(), at: log.headers[number]["timestamp"]}
    return {**record, **hashed, "ledger_entry_id": number}


def added(
    log: Log, entry_type: str, data: Dict[str, Any], personal: Any = None, at: str = "timestamp", **more: Any
) -> Dict[str, Any]:
    number = log.add(entry_type, {"actor": ACTOR, **data}, personal)
    return of(log, number, {**data, **(personal or {}), **more}, at)


def erased(part: str) -> "Fixture":
    """The package after its first decision was erased, with the record that it had."""
    whole = fixture()
    whole.log.run([2], part)
    whole.log.erase([2], part)
    return whole


def fixture() -> "Fixture":
    log, records = Log(), {}
    log.genesis()
    document = {"mode": "strict", "name": "claims", "relations": [{"justification": HOSTILE}]}
    policy = {"document": document, "mode": "strict", "name": "claims", "policy_hash": policy_hash()}
    number = log.add("policy_loaded", {**policy, "by": "user_ops", "policy_version": 1})
    loaded = {**policy, "version": 1, "active": True, "loaded_by": "user_ops"}
    records["policies"] = [of(log, number, loaded, "loaded_at")]
    first = decision(log, "first", "allowed")
    critical = {"basis": "assessed", "level": "critical", "score": 85}
    later = {"risk_id": ident("rsk", "second"), "escalation_id": ident("esc", "second")}
    second = decision(log, "second", "denied", risk=critical, **later)
    records["decisions"] = [first, second]
    about = {"decision_id": second["decision_id"]}
    scored = of(log, 3, {**about, "risk_id": second["risk_id"], "overall_score": 85, "risk_level": "critical"})
    assessed = {"decision_id": first["decision_id"], "overall_score": 51, "risk_level": "medium"}
    assessed["risk_id"] = ident("rsk", "first")
    assessed["dimensions"] = {"privacy": 65}
    records["risks"] = [scored, added(log, "risk_assessed", assessed, {"metadata": None})]
    raised = of(log, 3, {**about, "escalation_id": second["escalation_id"], "priority": "critical"}, "created_at")
    asked = {"escalated_to": ["act_human_user:maria"], "priority": "medium", "trigger": "actor_request"}
    asked.update({"decision_id": first["decision_id"], "escalation_id": ident("esc", "first")})
    personal = {"action_digest": drawn("action").hex(), "context_summary": HOSTILE}
    records["escalations"] = [raised, added(log, "escalation_created", asked, personal, "created_at", status="pending")]
    override = {**about, "override_id": ident("ovr", "second"), "override_type": "risk_accepted"}
    override.update({"by": "act_human_user:maria", "new_outcome": "approved", "original_outcome": "denied"})
    because = {"justification": "The claim was checked by hand and is in order"}
    authorized = {"authorized_by": override["by"], "status": "active"}
    records["overrides"] = [added(log, "override_executed", override, because, **authorized)]
    attested = {"artifact_id": numbered("evd", override["override_id"]), "artifact_type": "attestation"}
    attested = of(log, 6, {**attested, "registered_by": override["by"]}, "created_at")
    report = {"artifact_id": ident("evd", "report"), "artifact_type": "external_report", "size_bytes": 16}
    report.update({"by": "apik_desk", "sha256_hash": sha256(b"pen test summary").hex()})
    records["evidence"] = [attested, added(log, "evidence_registered", report, {"source": HOSTILE}, "created_at", registered_by=report["by"])]
    answers = [
        of(log, made["ledger_entry_id"], {
            "record_id": numbered("resp", made["decision_id"]), "decision_id": made["decision_id"],
            "decision_maker": "ai_system", "reasoning": made["reason"],
        })
        for made in (first, second)
    ]
    recorded = {**about, "decision_maker": "human_operator", "responsibility_level": "full", "role": "=1+1"}
    number = log.add("responsibility_recorded", {**recorded, "responsibility_id": ident("resp", "third"), "actor": ACTOR})
    records["responsibility"] = answers + [of(log, number, {**recorded, "record_id": ident("resp", "third")})]
    hand = {**about, "human_role": "risk_manager", "intervention_id": ident("int", "second")}
    hand.update({"by": "act_human_user:maria", "intervention_type": "override", "response_time_ms": 4200})
    why = {"ai_recommendation": {"decision": "pay"}, "human_decision": {"decision": "hold"}, "reason": HOSTILE}
    records["interventions"] = [added(log, "intervention", hand, why, human_id=hand["by"])]
    log.add("config_changed", {"by": "user_ops", "key": "retention_days"})
    return Fixture(log, {kind: records[kind] for kind in KINDS})


KINDS = ["decisions", "risks", "escalations", "overrides", "evidence", "responsibility", "interventions", "policies"]


def item(ident_name: str, name: str, title: str, detail: str, **members: Any) -> Dict[str, Any]:
    status = {
        "implemented_by_system": "evidence_sufficient",
        "evidence_on_file": "evidence_sufficient",
        "failing": "insufficient",
        "system_evidence_present_human_evidence_missing": "partial",
        "not_applicable": "not_applicable",
    }
    value = {ident_name: name, "title": title, "status": status[detail], "status_detail": detail, "evidence": [],
             "missing": [], "evidence_artifact_ids": [], "attestations": []}
    return {**value, **members}


def compliance() -> Dict[str, Any]:
    denied = {"query": "decisions_denied", "count": 1, "threshold": 1, "satisfied": True}
    mfa = {"query": "mfa_coverage", "count": 0, "threshold": 1, "satisfied": False}
    duties = [
        item("ref", "AIA-12.1", "Logs | of events", "implemented_by_system", article=12, evidence=[denied]),
        item("ref", "AIA-5.1", "=Prohibited", "not_applicable", article=5),
    ]
    attestation = {"attestation_id": ident("att", "one"), "attested_by": "user_dpo", "valid_until": "2028-01-01T00:00:00.000000Z"}
    access = [
        item("control_id", "AC-2(4)", "Automated <audit> actions", "evidence_on_file", category="AC Access Control",
             evidence=[denied], evidence_artifact_ids=[ident("evd", "report")], attestations=[attestation]),
        item("control_id", "IA-2(1)", "Multi-factor", "failing", category="IA", evidence=[mfa], missing=["mfa_coverage"]),
    ]
    organisation = [
        item("control_id", "5.15", "Access control", "system_evidence_present_human_evidence_missing",
             category="Organizational", evidence=[denied], missing=["policy_document", "access_review"]),
    ]
    frameworks = [{"framework": "fedramp", "controls": access}, {"framework": "iso27001", "controls": organisation}]
    return {"as_of_index": 10, "obligations": duties, "frameworks": frameworks, "register_version": "2026-11-22"}


class Fixture:
    def __init__(self, log: Log, records: Dict[str, List[Dict[str, Any]]]):
        self.log, self.records = log, records

    def ledger(self) -> Files:
        return export(self.log, [N1.keys["checkpoint"]])

    def files(self) -> Files:
        """What is checked in."""
        whole = {"records.json": self.records, "compliance.json": compliance()}
        files = {name: json.dumps(value, indent=1, sort_keys=True).encode() + b"\n" for name, value in whole.items()}
        return {**files, **{f"ledger/{path}": raw for path, raw in self.ledger().items()}}

    def package(self) -> Files:
        """A package as a node would fill it, less what only nodes can write."""
        files = {f"ledger/{path}": raw for path, raw in self.ledger().items()}
        for kind, records in self.records.items():
            files[f"records/{kind}.ndjson"] = b"".join(canonical(record) + b"\n" for record in records)
        about = {"scope": "all", "origin": self.log.origin, "from": None, "to": None, "ledger_size": self.log.size - 1}
        counts = {kind: len(records) for kind, records in self.records.items()}
        files["export.json"] = canonical({"export": about, "records": counts})
        files["compliance.json"] = canonical(compliance())
        return files


def with_manifest(files: Files) -> Files:
    files = {path: raw for path, raw in files.items() if path != "manifest.json"}
    rows = {path: {"sha256": sha256(raw).hex(), "size": len(raw)} for path, raw in files.items()}
    return {**files, "manifest.json": canonical(rows) + b"\n"}


def archive(files: Files) -> bytes:
    """The one form of a package (section 7), by hand: Python's zipfile could not write it without gaps."""
    return archive_of(sorted(files.items()))


def archive_of(members: List[Tuple[str, bytes]]) -> bytes:
    """The same of members in any order, any of them more than once."""
    body, directory = b"", b""
    for name, raw in members:
        shared = struct.pack("<HHHHIIIHH", 0, 0, 0, 0x21, zlib.crc32(raw), len(raw), len(raw), len(name), 0)
        directory += b"PK\x01\x02" + struct.pack("<HH", 0x314, 20) + shared
        directory += bytes(6) + struct.pack("<II", 0o100644 << 16, len(body)) + name.encode()
        body += b"PK\x03\x04" + struct.pack("<H", 20) + shared + name.encode() + raw
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURE
    shutil.rmtree(target, ignore_errors=True)
    for path, raw in fixture().files().items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(raw)
    return 0


if __name__ == "__main__":
    sys.exit(main())
