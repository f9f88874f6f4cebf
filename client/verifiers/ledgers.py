"""Ledgers, checkpoints, receipts and replies for the test vectors, right ones and wrong ones.

Every run makes the same bytes: keys, salts, times and paddings come from labels, and nothing is drawn. The keys are
public by that, and good for nothing else.

Only hashing and encoding helpers are taken from verify.py; what is written is decided here, so a fault there shows.
Reading order: keys, `Log`, the tree, files, and last the scripts that the vectors are made of.
"""

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Optional

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from verify import base64url, canonical, canonical_text, leaf_hash, node_hash, sha256, tile_path

ORIGIN = "lexecon.local/clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"
OTHER_ORIGIN = "lexecon.local/clu_01K1R0C9N5T8Z4W2Y6V3Q7M1ZZ"
WITNESS = "witness.example/w1"
BEGIN = datetime(2027, 3, 4, 5, 6, 7, 123456)
Files = Dict[str, bytes]


# Keys.


def drawn(label: str) -> bytes:
    return sha256(b"lexecon vector ", label.encode())


def ident(prefix: str, label: str) -> str:
    return prefix + "_" + base64.b32encode(drawn(label)).decode()[:26]


def numbered(label: str, offset: int) -> int:
    """A prime: the first one at or after what the label draws, which `offset` saves searching for."""
    start = int.from_bytes(hashlib.shake_256(f"lexecon vector rsa {label}".encode()).digest(256), "big")
    return (start | (3 << 2046) | 1) + offset


class EdKey:
    def __init__(self, label: str, use: str):
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(drawn(label))
        raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public = self.private.public_key().public_bytes(*raw)
        self.kid, self.use = ident("key", label), use

    def member(self) -> Dict[str, str]:
        return {"kid": self.kid, "use": self.use, "x": base64url(self.public)}

    def encoding(self) -> bytes:
        return b"\x01" + self.public

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


class RsaKey:
    """RSASSA-PSS by hand: a library draws the salt, and vectors have to be the same every time."""

    def __init__(self, label: str, offset_p: int, offset_q: int):
        p, q = numbered(f"{label} p", offset_p), numbered(f"{label} q", offset_q)
        self.n, self.e, self.d = p * q, 65537, pow(65537, -1, (p - 1) * (q - 1))
        self.kid, self.use = ident("key", f"{label} rsa"), "checkpoint"

    def member(self) -> Dict[str, str]:
        return {"e": "AQAB", "kid": self.kid, "n": base64url(self.n.to_bytes(512, "big")), "use": self.use}

    def encoding(self) -> bytes:
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return (
            b"\xff"
            + b"lexecon/rsa-pss-sha256/v1"
            + rsa.RSAPublicNumbers(self.e, self.n).public_key().public_bytes(*form)
        )

    def sign(self, message: bytes) -> bytes:
        salt = drawn("pss salt")
        digest = sha256(bytes(8), sha256(message), salt)
        block = bytes(512 - 32 - 32 - 2) + b"\x01" + salt
        mask = b"".join(sha256(digest, counter.to_bytes(4, "big")) for counter in range(15))[: len(block)]
        masked = bytearray(a ^ b for a, b in zip(block, mask))
        masked[0] &= 0x7F
        encoded = int.from_bytes(bytes(masked) + digest + b"\xbc", "big")
        return pow(encoded, self.d, self.n).to_bytes(512, "big")


def key_id(name: str, key: Any) -> bytes:
    return sha256(name.encode(), b"\n", key.encoding())[:4]


class Node:
    def __init__(self, node_id: str, raft_id: int):
        self.node_id, self.raft_id = node_id, raft_id
        self.keys = {
            use: EdKey(f"{node_id} {raft_id} {use}", use) for use in ("decision", "token", "checkpoint", "export")
        }

    def joining(self) -> Dict[str, Any]:
        return {"keys": [key.member() for key in self.keys.values()], "node_id": self.node_id, "raft_id": self.raft_id}

    def voter(self) -> Dict[str, Any]:
        return {"checkpoint_key_id": self.keys["checkpoint"].kid, "node_id": self.node_id, "raft_id": self.raft_id}


N1, N2, N3, STRANGER = Node("n1", 1), Node("n2", 2), Node("n3", 3), Node("n9", 9)
N2_NEW = EdKey("n2 checkpoint rotated", "checkpoint")
N3_NEW = EdKey("n3 checkpoint rotated", "checkpoint")
N1_RSA = RsaKey("n1", 500, 420)


# Logs.


def stamp(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Log:
    """A ledger in the making. `salted` sets two logs of the same script apart."""

    def __init__(self, origin: str = ORIGIN, salted: str = ""):
        self.origin, self.salted = origin, salted
        self.lines: List[Dict[str, Optional[str]]] = []
        self.headers: List[Dict[str, Any]] = []
        self.types: Dict[str, int] = {}
        self.actors: Dict[str, int] = {}
        self.rows: Dict[str, Dict[str, Any]] = {}
        self.membership = b""
        self.level = 1

    @property
    def size(self) -> int:
        return len(self.lines)

    def add(self, entry_type: str, data: Any, personal: Any = None, **header: Any) -> int:
        """Appends an entry and returns its id; `header` overrides members, as only a fault would."""
        number = self.size
        data = {"authn": "node", "by": "n1", **data} if isinstance(data, dict) else data
        actor = data.get("actor") if isinstance(data, dict) else None
        self.types[entry_type] = header.get("type_seq", self.types.get(entry_type, 0) + 1)
        if actor is not None:
            self.actors[actor] = header.get("actor_seq", self.actors.get(actor, 0) + 1)
        salt, personal_salt = drawn(f"salt {self.salted} {number}"), drawn(f"personal salt {self.salted} {number}")
        members = {
            "actor_seq": 0 if actor is None else self.actors[actor],
            "data_hash": hmac.new(salt, canonical(data), "sha256").hexdigest(),
            "entry_type": entry_type,
            "format": 1,
            "id": number,
            "personal_hash": (
                None if personal is None else hmac.new(personal_salt, canonical(personal), "sha256").hexdigest()
            ),
            "previous_hash": self.leaf(number - 1).hex() if number else "0" * 64,
            "timestamp": stamp(number * 1.25),
            "type_seq": self.types[entry_type],
            **header,
        }
        self.headers.append(members)
        self.lines.append(
            {
                "data": canonical_text(data),
                "header": canonical_text(members),
                "personal": None if personal is None else canonical_text(personal),
                "personal_salt": None if personal is None else personal_salt.hex(),
                "salt": salt.hex(),
            }
        )
        if entry_type in ("genesis", "membership_changed"):
            self.membership = self.leaf(number)
        if entry_type in ("genesis", "feature_level_changed"):
            self.level = data["feature_level"]
        return number

    def leaf(self, number: int) -> bytes:
        return leaf_hash(self.lines[number]["header"].encode())

    def leaves(self, size: Optional[int] = None) -> List[bytes]:
        return [self.leaf(number) for number in range(self.size if size is None else size)]

    # What keys.json has to say is kept by hand here, beside the entries that say it.

    def knows(self, number: int, key: Any) -> None:
        note_id = key_id(self.origin, key).hex()
        row = {**key.member(), "status": "active", "valid_from_index": number, "valid_until_index": None}
        named = key.use == "checkpoint"
        row.update({"name": self.origin if named else None, "note_key_id": note_id if named else None})
        if isinstance(key, RsaKey):
            row.update({"kty": "RSA", "alg": "PS256"})
            del row["use"]
        else:
            vkey = f"{self.origin}+{note_id}+{base64.b64encode(key.encoding()).decode()}"
            row.update({"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "vkey": vkey if named else None})
        self.rows[key.kid] = row

    def ends(self, number: int, key: Any, status: str = "retired") -> None:
        row = self.rows[key.kid]
        row["status"] = "revoked" if status == "revoked" else row["status"] if row["status"] == "revoked" else status
        if row["valid_until_index"] is None:
            row["valid_until_index"] = number

    def genesis(self) -> None:
        data = {
            "cluster_id": self.origin.split("/")[-1],
            "feature_level": 1,
            "format": 1,
            "origin": self.origin,
            **N1.joining(),
        }
        number = self.add("genesis", data)
        for key in N1.keys.values():
            self.knows(number, key)

    def join(self, node: Node) -> None:
        number = self.add("node_joined", node.joining())
        for key in node.keys.values():
            self.knows(number, key)

    def members(self, voters: List[Node], outgoing: Optional[List[Node]] = None) -> int:
        old = None if outgoing is None else [node.voter() for node in outgoing]
        return self.add("membership_changed", {"voters": [node.voter() for node in voters], "voters_outgoing": old})

    def key_added(self, node: Node, key: Any, replaces: Any = None) -> int:
        old = None if replaces is None else replaces.kid
        number = self.add(
            "key_added", {"key": key.member(), "node_id": node.node_id, "raft_id": node.raft_id, "replaces": old}
        )
        if replaces is not None:
            self.ends(number, replaces)
        self.knows(number, key)
        return number

    def key_retired(self, key: Any, compromised: bool = False) -> int:
        number = self.add("key_retired", {"compromised": compromised, "kid": key.kid})
        self.ends(number, key, "revoked" if compromised else "retired")
        return number

    def policy(self) -> int:
        return self.add(
            "policy_loaded",
            {
                "by": "user_ops",
                "policy_hash": drawn("policy").hex(),
                "policy_version": self.types.get("policy_loaded", 0) + 1,
            },
        )

    def decision(self, actor: str, personal: bool = True, **header: Any) -> int:
        number = self.size
        data = {
            "action": "read_claim",
            "actor": actor,
            "by": "apik_triage",
            "outcome": "allowed" if number % 3 else "denied",
            "risk": number / 8,
        }
        return self.add(
            "decision", data, {"context": {"claim": f"№ {number}", "note": "«ä\n𝄞»"}} if personal else None, **header
        )

    def run(self, ids: List[int], part: str = "personal", ranges: Any = None, **data: Any) -> int:
        if ranges is None:
            ranges = [{"from": number, "to": number} for number in ids]
        return self.add(
            "anonymization_run",
            {"by": "user_dpo", "cause": "request", "count": len(ids), "part": part, "ranges": ranges, **data},
        )

    def erase(self, ids: List[int], part: str = "personal") -> None:
        """Takes parts away, as a copy made after a run has them. The header stays."""
        for number in ids:
            self.lines[number].update({"personal": None, "personal_salt": None})
            if part == "all":
                self.lines[number].update({"data": None, "salt": None})

    def cut(self, size: int) -> "Log":
        """The log as it was at a size. Rows of keys follow by undoing what came later."""
        log = deepcopy(self)
        log.lines, log.headers = log.lines[:size], log.headers[:size]
        log.rows = {kid: row for kid, row in log.rows.items() if row["valid_from_index"] < size}
        for row in log.rows.values():
            if row["valid_until_index"] is not None and row["valid_until_index"] >= size:
                row.update({"status": "active", "valid_until_index": None})
        log.membership = [
            log.leaf(h["id"]) for h in log.headers if h["entry_type"] in ("genesis", "membership_changed")
        ][-1]
        levels = [json.loads(line["data"]).get("feature_level") for line in log.lines if line["data"]]
        log.level = [level for level in levels if level][-1]
        return log


# The tree, by the definitions of RFC 6962 and RFC 9162 and not by verify.py's way.


def root(leaves: List[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = split(len(leaves))
    return node_hash(root(leaves[:half]), root(leaves[half:]))


def split(size: int) -> int:
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def inclusion(leaves: List[bytes], index: int) -> List[bytes]:
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return inclusion(leaves[:half], index) + [root(leaves[half:])]
    return inclusion(leaves[half:], index - half) + [root(leaves[:half])]


def tiles(log: Log) -> Files:
    files: Files = {}
    nodes, level = log.leaves(), 0
    while nodes:
        for index in range(0, len(nodes), 256):
            tile = nodes[index : index + 256]
            files[tile_path(str(level), index // 256, len(tile))] = b"".join(tile)
        nodes = [root(nodes[at : at + 256]) for at in range(0, len(nodes) - 255, 256)]
        level += 1
    for index in range(0, log.size, 256):
        raws = [line["header"].encode() for line in log.lines[index : index + 256]]
        files[tile_path("entries", index // 256, len(raws))] = b"".join(
            len(raw).to_bytes(2, "big") + raw for raw in raws
        )
    return files


# Files.


def checkpoint(log: Log, keys: List[Any], size: Optional[int] = None, extra: str = "", **lines: Any) -> bytes:
    """A signed note; `lines` override what the log says, `extra` is put after the signatures as it is."""
    log = log if size is None else log.cut(size)
    said = {
        "origin": log.origin,
        "size": log.size,
        "root": base64.b64encode(root(log.leaves())).decode(),
        "feature_level": log.level,
        "membership_hash": log.membership.hex(),
        "policy_hash": drawn("policy").hex(),
        "state_hash": drawn(f"state {log.size}").hex(),
        "timestamp": stamp(log.size * 1.25),
        **lines,
    }
    text = "".join(
        f"{value}\n" if name in ("origin", "size", "root") else f"{name} {value}\n" for name, value in said.items()
    )
    note = text + "\n" + "".join(signature_line(said["origin"], key, key.sign(text.encode())) for key in keys)
    return (note + extra).encode()


def signature_line(name: str, key: Any, signature: bytes) -> str:
    return f"\u2014 {name} {base64.b64encode(key_id(name, key) + signature).decode()}\n"


def lines_of(log: Log) -> bytes:
    return b"".join(canonical(line) + b"\n" for line in log.lines)


def keys_json(log: Log) -> bytes:
    rows = list(log.rows.values())
    value = {"keys": [row for row in rows if "x" in row], "rsa_keys": [row for row in rows if "n" in row]}
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def export(log: Log, keys: List[Any], **options: Any) -> Files:
    return {
        "checkpoint": checkpoint(log, keys, **options),
        "entries.jsonl": lines_of(log),
        "keys.json": keys_json(log),
        **tiles(log),
    }


def receipt(log: Log, number: int, size: int, keys: List[Any], disclosed: bool = True, **members: Any) -> bytes:
    line, leaves = log.lines[number], log.leaves(size)
    shown = line if disclosed else {"data": None, "salt": None, "personal": None, "personal_salt": None}
    value = {
        "checkpoint": checkpoint(log, keys, size).decode(),
        "data": shown["data"] and json.loads(shown["data"]),
        "entry_id": number,
        "hashes": [node.hex() for node in inclusion(leaves, number)],
        "header": base64.b64encode(line["header"].encode()).decode(),
        "leaf_hash": leaves[number].hex(),
        "leaf_index": number,
        "personal": shown["personal"] and json.loads(shown["personal"]),
        "personal_salt": shown["personal_salt"],
        "root_hash": root(leaves).hex(),
        "salt": shown["salt"],
        "tree_size": size,
        **members,
    }
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def tlog_proof(log: Log, number: int, size: int, keys: List[Any], **options: Any) -> bytes:
    path = options.get("path", inclusion(log.leaves(size), number))
    header = options.get("header", log.lines[number]["header"].encode())
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {base64.b64encode(header).decode()}",
        f"index {options.get('index', number)}",
    ]
    lines += [base64.b64encode(node).decode() for node in path]
    return "\n".join(lines).encode() + b"\n\n" + checkpoint(log, keys, size)


def reply_body(log: Log, number: int) -> Dict[str, Any]:
    return {
        "action": "read_claim",
        "allowed": True,
        "decision_id": ident("dec", f"decision {number}"),
        "ledger_entry_hash": log.leaf(number).hex(),
        "ledger_entry_id": number,
        "outcome": "allowed",
        "policy_hash": drawn("policy").hex(),
        "risk": {"basis": "none", "score": 0.5},
        "timestamp": log.headers[number]["timestamp"],
    }


def token(log: Log, number: int, key: EdKey) -> str:
    claims = {"act": "read_claim", "idx": number, "iss": log.origin.split("/")[1], "kid": key.kid, "v": 1}
    text = "cap_" + base64url(canonical(claims))
    return f"{text}_{base64url(key.sign(text.encode()))}"


def reply(log: Log, number: int, key: EdKey, with_token: Optional[EdKey] = None, **members: Any) -> bytes:
    """`members` are put in after signing, as a forger would."""
    body = reply_body(log, number)
    value = {
        **body,
        "capability_token": None if with_token is None else token(log, number, with_token),
        "node": "n1",
        "signature": {"algorithm": "Ed25519", "key_id": key.kid, "value": base64url(key.sign(canonical(body)))},
        **members,
    }
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def batch_reply(log: Log, number: int, key: EdKey, edit: Callable[[List[bytes]], List[bytes]] = list) -> bytes:
    batch = [number - 2, number - 1, number]
    leaves = [leaf_hash(canonical(reply_body(log, one))) for one in batch]
    value = key.sign(b"lexecon/batch/v1\n" + root(leaves).hex().encode() + b"\n")
    signature = {
        "algorithm": "Ed25519-batch",
        "key_id": key.kid,
        "leaf_index": 2,
        "path": [node.hex() for node in edit(inclusion(leaves, 2))],
        "tree_size": 3,
        "value": base64url(value),
    }
    return reply(log, number, key, signature=signature)


# The scripts.


def trio(log: Log) -> Log:
    """Three nodes become voters, each over a joint configuration. Nine entries."""
    log.genesis()
    log.policy()
    log.decision("ai_agent:triage")
    log.join(N2)
    log.members([N1, N2], [N1])
    log.members([N1, N2])
    log.join(N3)
    log.members([N1, N2, N3], [N1, N2])
    log.members([N1, N2, N3])
    return log


def good_log(salted: str = "", erase: bool = True) -> Log:
    log = trio(Log(salted=salted))
    for actor in ("ai_agent:triage", "ai_agent:payout", "ai_agent:triage", "ai_agent:payout", "ai_agent:triage"):
        log.decision(actor)
    log.key_added(N1, N1_RSA)
    log.add("user_created", {"actor": "user_alice", "by": "user_ops"}, {"email": "alice@example.org", "name": "Alice"})
    log.key_added(N2, N2_NEW, replaces=N2.keys["checkpoint"])
    log.decision("ai_agent:triage")
    log.key_retired(N3.keys["decision"])
    log.decision("ai_agent:payout", personal=False)
    log.run([9, 10, 15])
    log.run([11, 12, 13], "all", ranges=[{"from": 11, "to": 13}])
    log.decision("ai_agent:triage")
    log.decision("ai_agent:payout")
    log.key_retired(N3.keys["checkpoint"], compromised=True)
    log.key_added(N3, N3_NEW)
    log.key_retired(N2.keys["decision"], compromised=True)
    log.add("feature_level_changed", {"feature_level": 2})
    log.add("login_succeeded", {"actor": "user_alice", "at": 1e21, "tiny": 1e-7})
    if erase:
        log.erase([9, 10, 15])
        log.erase([11, 12, 13], "all")
    return log


def small_log(more: Optional[Callable[[Log], Any]] = None, salted: str = "") -> Log:
    """One node, eight entries, then `more`."""
    log = Log(salted=salted)
    log.genesis()
    log.policy()
    for actor in ("a", "b", "a", "b", "a"):
        log.decision(actor)
    log.add("config_changed", {"by": "user_ops", "key": "retention_days"})
    if more is not None:
        more(log)
    return log


def wide_log() -> Log:
    log = Log()
    log.genesis()
    while log.size < 300:
        log.add("login_failed", {})
    return log
