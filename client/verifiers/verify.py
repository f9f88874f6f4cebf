#!/usr/bin/env python3
"""Verify a Lexecon ledger without trusting, or running, any of Lexecon.

    verify.py PATH [--keys FILE] [--export DIR] [--status FILE] [--json]

PATH is one of
    an evidence package       *.zip, or the folder it was unpacked to: has a manifest.json
    an export directory       checkpoint, entries.jsonl, tile/, keys.json
    a tile directory          the same without entries.jsonl
    a receipt                 *.json with a header and a checkpoint
    a proof                   *.tlog-proof; needs --keys or --export
    the reply to a decision   *.json with ledger_entry_hash; needs --keys or --export

--keys is a keys.json that came from elsewhere; --export is an export directory, which is checked first; --status is the
status of the export that a package is of, whose signature must be over the archive.
Exit: 0 holds, 1 does not hold (the reason code, the path and the entry are printed), 2 wrong usage, 3 cannot be read.

Written from node/core/ledger/README.md alone, which numbers the sections named below; it shares no code with the node.
Not here: fetching anything, witnesses' cosignatures, the meaning of entries beyond keys, voters and erasure.
Reading order: formats (JSON, notes, keys), the tree, `Ledger` (one pass over the entries), then each kind of PATH,
packages last.

Invariants
- The first fault ends everything; nothing is repaired, skipped or guessed.
- What `data` says is read only after its hash held.
- Memory grows with actors, keys and erased entries, never with the entries themselves.
"""

import argparse
import base64
import bisect
import hashlib
import hmac
import json
import os
import re
import stat
import struct
import sys
import tempfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

INTEGER_END = 2**53
LINE_BYTES_MAX = 64 << 20
NOTE_BYTES_MAX = 1 << 20
RUN_IDS_MAX = 1000
TILE_WIDTH = 256
ZERO_HASH = bytes(32)

# src/entry_type.rs. A word that is not here has no meaning in format 1.
ENTRY_TYPES = frozenset("""
    genesis node_joined membership_changed leader_transferred snapshot_restored recovery feature_level_changed
    key_added key_retired divergence_detected config_changed backup_created policy_loaded policy_rolled_back decision
    token_issued token_revoked risk_assessed escalation_created escalation_acknowledged escalation_resolved
    escalation_expired override_executed override_reviewed override_lapsed intervention emergency_stop_lifted
    evidence_registered evidence_linked evidence_signed signer_registered signer_revoked responsibility_recorded
    responsibility_reviewed control_evidence_linked control_attested legal_hold_applied legal_hold_released
    anonymization_run incident_recorded incident_reported incident_closed annex_iv_updated system_registered
    system_updated profile_updated register_updated audit_export_requested audit_export_approved audit_export_rejected
    audit_export_completed audit_export_failed user_created user_updated user_disabled user_enabled user_unlocked
    password_changed mfa_enrolled mfa_reset backup_codes_renewed login_succeeded login_failed account_locked
    session_revoked api_key_created api_key_revoked oidc_linked
    personal_data_read
    """.split())
NEVER_ERASED = frozenset("""
    genesis node_joined membership_changed recovery feature_level_changed key_added key_retired divergence_detected
    policy_loaded policy_rolled_back legal_hold_applied legal_hold_released anonymization_run
    """.split())
USES = ("decision", "token", "checkpoint", "export")


class Fault(Exception):
    """What does not hold: a reason code of section 6 or 7 and, where there is one, the entry and the path."""

    def __init__(self, code: str, detail: str, entry: Optional[int] = None, path: Optional[str] = None):
        super().__init__(detail)
        self.code, self.detail, self.entry, self.path = code, detail, entry, path


class WrongUsage(Exception):
    """The question cannot be answered with what was given."""


class Unreadable(Exception):
    """The files could not be read, so nothing is said about them."""


def demand(condition: bool, code: str, detail: str, entry: Optional[int] = None) -> None:
    if not condition:
        raise Fault(code, detail, entry)


def malformed_unless(condition: bool, detail: str) -> None:
    demand(condition, "malformed", detail)


# Formats: bytes, numbers, JSON.


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def hex32(text: Any, what: str) -> bytes:
    malformed_unless(
        isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None, f"{what} is no hex of 32 bytes"
    )
    return bytes.fromhex(text)


def base64_strict(text: Any, what: str) -> bytes:
    """Encoding again is the check: it refuses other characters, missing padding and unused bits that are not zero."""
    malformed_unless(isinstance(text, str) and text.isascii(), f"{what} is no base64")
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    malformed_unless(base64.b64encode(decoded).decode() == text, f"{what} is no base64")
    return decoded


def base64url_strict(text: Any, what: str) -> bytes:
    malformed_unless(
        isinstance(text, str) and re.fullmatch("[A-Za-z0-9_-]*", text) is not None, f"{what} is no base64url"
    )
    malformed_unless(len(text) % 4 != 1, f"{what} is no base64url")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    malformed_unless(base64url(decoded) == text, f"{what} has unused bits that are not zero")
    return decoded


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def integer_text(text: str, what: str) -> int:
    malformed_unless(re.fullmatch("0|[1-9][0-9]{0,15}", text) is not None, f"{what} is no integer")
    malformed_unless(int(text) < INTEGER_END, f"{what} is too large")
    return int(text)


def is_timestamp(text: str) -> bool:
    form = "([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\\.([0-9]{6})Z"
    match = re.fullmatch(form, text)
    try:
        return match is not None and datetime(*map(int, match.groups())) is not None
    except ValueError:
        return False


def es6_number(number: float) -> str:
    """ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3 prescribes.

    Python's repr finds the same shortest digits; only where the point and the exponent go differs.
    """
    if number == 0:
        return "0"
    sign, digit_tuple, exponent = Decimal(repr(number)).as_tuple()
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + exponent
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return ("-" if sign else "") + text


def canonical_text(value: Any) -> str:
    """RFC 8785. Members are sorted by UTF-16 code units, which is not the order of Python's strings."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical_text(name)}:{canonical_text(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_text, value)) + "]"
    if isinstance(value, float):
        return es6_number(value)
    return json.dumps(value, ensure_ascii=False)


def canonical(value: Any) -> bytes:
    return canonical_text(value).encode()


def _object_of(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _integer_of(text: str) -> Any:
    """Beyond 2^53 JSON's numbers are doubles, whatever they look like."""
    value = int(text) if len(text) <= 17 else INTEGER_END
    return value if abs(value) < INTEGER_END else _double_of(text)


def _double_of(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is no double")
    return value


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def parse_json(raw: bytes, what: str) -> Any:
    """I-JSON: no member twice, no lone surrogates, numbers that are doubles."""
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_object_of,
            parse_int=_integer_of,
            parse_float=_double_of,
            parse_constant=_no_constant,
        )
        canonical(value)
    except (ValueError, RecursionError) as error:
        raise Fault("malformed", f"{what} is no I-JSON: {error}") from error
    return value


def parse_canonical(raw: bytes, what: str) -> Any:
    value = parse_json(raw, what)
    malformed_unless(canonical(value) == raw, f"{what} is not in the form of RFC 8785")
    return value


def is_integer(value: Any) -> bool:
    return type(value) is int and 0 <= value < INTEGER_END


def member(value: Any, name: str, kind: type) -> Any:
    """The member of an object that has to be there; bool is no int here."""
    malformed_unless(isinstance(value, dict) and name in value, f"member `{name}` is missing")
    item = value[name]
    fits = is_integer(item) if kind is int else isinstance(item, kind)
    malformed_unless(fits, f"member `{name}` is not of its type")
    return item


def only_members(value: Any, names: str, what: str) -> None:
    malformed_unless(
        isinstance(value, dict) and sorted(value) == sorted(names.split()), f"{what} has other members than its own"
    )


# Formats: the header (section 1).

_HEADER = re.compile(
    rb'\{"actor_seq":([0-9]+),"data_hash":"([0-9a-f]{64})","entry_type":"([a-z_]+)","format":1,"id":([0-9]+),'
    rb'"personal_hash":(null|"[0-9a-f]{64}"),"previous_hash":"([0-9a-f]{64})","timestamp":"([0-9TZ:.-]{27})","type_seq":([0-9]+)\}'
)


class Header(NamedTuple):
    actor_seq: int
    data_hash: bytes
    entry_type: str
    id: int
    personal_hash: Optional[bytes]
    previous_hash: bytes
    timestamp: str
    type_seq: int
    hash: bytes


def parse_header(raw: bytes) -> Header:
    match = _HEADER.fullmatch(raw)
    if match is None:
        raise Fault("malformed", "the bytes are no header of format 1")
    actor_seq, data_hash, entry_type, ident, personal, previous, timestamp, type_seq = (
        part.decode() for part in match.groups()
    )
    malformed_unless(entry_type in ENTRY_TYPES, f"`{entry_type}` is no entry type of format 1")
    malformed_unless(is_timestamp(timestamp), f"`{timestamp}` is no time")
    return Header(
        integer_text(actor_seq, "actor_seq"),
        bytes.fromhex(data_hash),
        entry_type,
        integer_text(ident, "id"),
        None if personal == "null" else bytes.fromhex(personal.strip('"')),
        bytes.fromhex(previous),
        timestamp,
        integer_text(type_seq, "type_seq"),
        leaf_hash(raw),
    )


def part_matches(text: bytes, salt: bytes, committed: Optional[bytes]) -> bool:
    return committed is not None and hmac.compare_digest(hmac.new(salt, text, hashlib.sha256).digest(), committed)


# The tree (section 2).


def leaf_hash(raw: bytes) -> bytes:
    return sha256(b"\x00", raw)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01", left, right)


class Frontier:
    """The right edge of a growing tree: the roots of its perfect subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.subtrees: List[bytes] = []

    def append(self, leaf: bytes) -> None:
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self.subtrees.pop(), node)
            size >>= 1
        self.subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.subtrees:
            return sha256()
        node = self.subtrees[-1]
        for left in reversed(self.subtrees[:-1]):
            node = node_hash(left, node)
        return node


def root_of(leaves: List[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_root(leaf: bytes, index: int, size: int, path: List[bytes]) -> Optional[bytes]:
    """RFC 9162 section 2.1.3.2; None where the path is too long, too short or beside the tree."""
    if index >= size:
        return None
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return node if last == 0 else None


def tile_path(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{suffix}"


class Tiles:
    """Compares the tiles of a directory with the entries as they pass, and keeps the first difference for its turn."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.levels: List[List[bytes]] = []
        self.indices: List[int] = []
        self.bundle: List[bytes] = []
        self.fault: Optional[Fault] = None

    def append(self, raw: bytes, leaf: bytes) -> None:
        self.bundle.append(raw)
        self._push(0, leaf)
        if len(self.bundle) == TILE_WIDTH:
            self._compare_bundle(self.indices[0] - 1)

    def finish(self) -> None:
        """The partial tiles, then the verdict."""
        if self.bundle:
            self._compare_bundle(self.indices[0])
        for level, tile in enumerate(self.levels):
            if tile:
                self._compare_tile(level, self.indices[level], tile)
        if self.fault:
            raise self.fault

    def _push(self, level: int, node: bytes) -> None:
        if level == len(self.levels):
            self.levels.append([])
            self.indices.append(0)
        tile = self.levels[level]
        tile.append(node)
        if len(tile) == TILE_WIDTH:
            self._compare_tile(level, self.indices[level], tile)
            self.levels[level] = []
            self.indices[level] += 1
            self._push(level + 1, root_of(tile))

    def _compare_tile(self, level: int, index: int, tile: List[bytes]) -> None:
        path = tile_path(str(level), index, len(tile))
        found = self._read(path)
        if found is not None and len(found) != 32 * len(tile):
            self._keep("malformed", f"`{path}` has not the length of a tile")
        elif found is not None and found != b"".join(tile):
            self._keep("tile_mismatch", f"`{path}` is not the tile of these entries")

    def _compare_bundle(self, index: int) -> None:
        path = tile_path("entries", index, len(self.bundle))
        found = self._read(path)
        if found is not None:
            try:
                if split_bundle(found, len(self.bundle), path) != self.bundle:
                    self._keep("tile_mismatch", f"`{path}` is not the bundle of these entries")
            except Fault as fault:
                self.fault = self.fault or fault
        self.bundle = []

    def _read(self, path: str) -> Optional[bytes]:
        try:
            return (self.directory / path).read_bytes()
        except OSError:
            self._keep("tile_mismatch", f"`{path}` is not there")
            return None

    def _keep(self, code: str, detail: str) -> None:
        self.fault = self.fault or Fault(code, detail)


def split_bundle(raw: bytes, width: int, path: str) -> List[bytes]:
    headers, at = [], 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 2], "big")
        malformed_unless(at + 2 + length <= len(raw) and at + 2 <= len(raw), f"`{path}` ends within an entry")
        headers.append(raw[at + 2 : at + 2 + length])
        at += 2 + length
    malformed_unless(len(headers) == width, f"`{path}` holds {len(headers)} entries and not {width}")
    return headers


# Keys (section 3).

RSA_LABEL = b"lexecon/rsa-pss-sha256/v1"
# y of the points whose order divides 8, and the encodings beside the canonical ones. A key or an R among them lets one
# signature pass for many messages; ed25519-dalek's verify_strict refuses them, OpenSSL does not.
_SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def is_small_order(point: bytes) -> bool:
    return point[:31] + bytes([point[31] & 0x7F]) in _SMALL_ORDER


def ed25519_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != 64 or is_small_order(public) or is_small_order(signature[:32]):
        return False
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def rsa_holds(public: rsa.RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        public.verify(signature, message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@dataclass
class Key:
    kid: str
    use: str
    material: Dict[str, str]
    node_id: Optional[str] = None
    raft_id: Optional[int] = None
    since: int = 0
    until: Optional[int] = None
    compromised: bool = False

    @property
    def is_rsa(self) -> bool:
        return "n" in self.material

    def counts_at_size(self, size: int) -> bool:
        return self.since < size and (self.until is None or size <= self.until) and not self.compromised

    def counts_for_entry(self, entry: int) -> bool:
        """Not from `since` on: the node that is asked signs, and it may have joined after the entry."""
        return (self.until is None or entry < self.until) and not self.compromised

    def public(self) -> Any:
        if not self.is_rsa:
            return base64url_strict(self.material["x"], "x")
        n, e = (int.from_bytes(base64url_strict(self.material[name], name), "big") for name in ("n", "e"))
        return rsa.RSAPublicNumbers(e, n).public_key()

    def note_encoding(self) -> bytes:
        """The type byte and what follows it in key ids and verifier keys."""
        if not self.is_rsa:
            return b"\x01" + self.public()
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return b"\xff" + RSA_LABEL + self.public().public_bytes(*form)

    def note_key_id(self, name: str) -> bytes:
        return sha256(name.encode(), b"\n", self.note_encoding())[:4]

    def holds(self, signature: bytes, message: bytes) -> bool:
        return (rsa_holds if self.is_rsa else ed25519_holds)(self.public(), signature, message)

    def status(self) -> str:
        if self.compromised:
            return "revoked"
        return "active" if self.until is None else "retired"

    def row(self, origin: str) -> Dict[str, Any]:
        """What `keys.json` has to say of this key."""
        row = {
            "kid": self.kid,
            "status": self.status(),
            "valid_from_index": self.since,
            "valid_until_index": self.until,
        }
        row.update(self.material)
        if self.is_rsa:
            row.update({"kty": "RSA", "alg": "PS256"})
        else:
            row.update({"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "use": self.use})
        if self.use == "checkpoint":
            key_id = self.note_key_id(origin).hex()
            row.update({"name": origin, "note_key_id": key_id})
            if not self.is_rsa:
                row["vkey"] = f"{origin}+{key_id}+{base64.b64encode(self.note_encoding()).decode()}"
        return row


def check_material(kid: str, use: str, material: Dict[str, str]) -> Key:
    malformed_unless(re.fullmatch("key_[0-9A-Z]{26}", kid) is not None, f"`{kid}` is no key id")
    key = Key(kid, use, material)
    try:
        public = key.public()
    except ValueError as error:
        raise Fault("malformed", f"key `{kid}` is no key: {error}") from error
    if key.is_rsa:
        malformed_unless(
            public.key_size == 4096 and use == "checkpoint", f"key `{kid}` is no RSA key of 4096 bits for checkpoints"
        )
        padded = any(base64url_strict(material[name], name).startswith(b"\x00") for name in ("e", "n"))
        malformed_unless(not padded, f"a number of key `{kid}` has leading zeros")
    else:
        malformed_unless(len(public) == 32 and use in USES, f"key `{kid}` is no Ed25519 key of a known use")
    return key


def parse_key(value: Any) -> Key:
    """A key as entries carry it."""
    is_rsa = isinstance(value, dict) and "n" in value
    only_members(value, "e kid n use" if is_rsa else "kid use x", "a key")
    names = ("e", "n") if is_rsa else ("x",)
    return check_material(
        member(value, "kid", str), member(value, "use", str), {name: member(value, name, str) for name in names}
    )


def parse_keys_json(raw: bytes) -> Tuple[Dict[str, Key], Dict[str, Dict[str, Any]]]:
    """The keys of `keys.json`, and their rows; keys of witnesses and signers are of no concern here."""
    value = parse_json(raw, "keys.json")
    keys: Dict[str, Key] = {}
    rows: Dict[str, Dict[str, Any]] = {}
    listed = [(row, ("x",)) for row in member(value, "keys", list)] + [
        (row, ("e", "n")) for row in member(value, "rsa_keys", list)
    ]
    for row, names in listed:
        use = member(row, "use", str) if names == ("x",) else "checkpoint"
        if use in ("cosignature", "evidence"):
            continue
        key = check_material(member(row, "kid", str), use, {name: member(row, name, str) for name in names})
        key.since = member(row, "valid_from_index", int)
        key.until = None if row.get("valid_until_index", 0) is None else member(row, "valid_until_index", int)
        key.compromised = row.get("status") == "revoked"
        malformed_unless(
            row.get("status") == key.status() and not (key.compromised and key.until is None),
            "a key's `status` is not that of its indices",
        )
        malformed_unless(key.kid not in keys, f"key `{key.kid}` is listed twice")
        keys[key.kid], rows[key.kid] = key, row
    return keys, rows


# Checkpoints (section 3).

_EXTENSIONS = ("feature_level", "membership_hash", "policy_hash", "state_hash", "timestamp")


class Checkpoint(NamedTuple):
    text: bytes
    origin: str
    size: int
    root: bytes
    feature_level: int
    membership_hash: bytes
    timestamp: str
    signatures: List[Tuple[str, bytes]]


def is_origin(text: str) -> bool:
    return 0 < len(text) <= 255 and all("!" <= char <= "~" and char != "+" for char in text)


def is_key_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(character.isspace() for character in text)


def parse_note(raw: bytes) -> Tuple[str, List[Tuple[str, bytes]]]:
    malformed_unless(len(raw) <= NOTE_BYTES_MAX, "the note is too long")
    try:
        note = raw.decode()
    except UnicodeDecodeError as error:
        raise Fault("malformed", "the note is not UTF-8") from error
    malformed_unless(not re.search("[\x00-\x09\x0b-\x1f]", note), "the note has control characters")
    text, blank, lines = note.rpartition("\n\n")
    malformed_unless(blank != "" and lines.endswith("\n"), "the note has no signatures")
    signatures = []
    for line in lines[:-1].split("\n"):
        words = line.split(" ")
        malformed_unless(
            len(words) == 3 and words[0] == "\u2014" and is_key_name(words[1]), "a line of the note is no signature"
        )
        signature = base64_strict(words[2], "a signature of the note")
        malformed_unless(len(signature) > 4, "a signature of the note is too short")
        signatures.append((words[1], signature))
    return text + "\n", signatures


def parse_checkpoint(raw: bytes) -> Checkpoint:
    text, signatures = parse_note(raw)
    lines = text[:-1].split("\n")
    malformed_unless(len(lines) == 3 + len(_EXTENSIONS), "the checkpoint has not its eight lines")
    malformed_unless(is_origin(lines[0]), "the origin is not of printable ASCII without plus sign")
    size = integer_text(lines[1], "the tree size")
    root = base64_strict(lines[2], "the root")
    malformed_unless(len(root) == 32 and size > 0, "the checkpoint has no root of a tree")
    values = {}
    for name, line in zip(_EXTENSIONS, lines[3:]):
        malformed_unless(line.startswith(name + " "), f"the checkpoint has no line `{name}` in its place")
        values[name] = line[len(name) + 1 :]
    hex32(values["policy_hash"], "policy_hash")
    hex32(values["state_hash"], "state_hash")
    malformed_unless(is_timestamp(values["timestamp"]), "the checkpoint's timestamp is no time")
    level = integer_text(values["feature_level"], "feature_level")
    membership = hex32(values["membership_hash"], "membership_hash")
    return Checkpoint(text.encode(), lines[0], size, root, level, membership, values["timestamp"], signatures)


def signers_of(note: Checkpoint, keys: Dict[str, Key]) -> List[Key]:
    """The known keys that signed. A signature that claims to be of one and is not condemns the note."""
    known: Dict[bytes, List[Key]] = {}
    for key in keys.values():
        if key.use == "checkpoint":
            known.setdefault(key.note_key_id(note.origin), []).append(key)
    signers = []
    for name, signature in note.signatures:
        candidates = known.get(signature[:4], []) if name == note.origin else []
        if candidates:
            signed = [key for key in candidates if key.holds(signature[4:], note.text)]
            demand(
                bool(signed), "checkpoint_signature_invalid", f"the signature of `{candidates[0].kid}` does not verify"
            )
            signers += [key for key in signed if key not in signers]
    return signers


def demand_one_signer(note: Checkpoint, signers: List[Key], code: str) -> List[Key]:
    """Where the voters are not known: one key that counts."""
    of_ed25519 = [key for key in signers if not key.is_rsa]
    counting = [key for key in of_ed25519 if key.counts_at_size(note.size)]
    demand(bool(counting) or not of_ed25519, "key_not_valid_at_size", "no key that signed counts at this size")
    demand(bool(counting), code, "no known key signed the checkpoint")
    return counting


# The ledger: one pass over the entries.


class Membership(NamedTuple):
    id: int
    hash: bytes
    voters: FrozenSet[int]
    outgoing: Optional[FrozenSet[int]]

    def is_majority(self, signed: Set[int]) -> bool:
        sides = [self.voters] if self.outgoing is None else [self.voters, self.outgoing]
        return all(2 * len(side & signed) > len(side) for side in sides)


class Entry(NamedTuple):
    raw: bytes
    header: Header
    data: Optional[bytes]
    salt: Optional[bytes]
    personal: Optional[bytes]
    personal_salt: Optional[bytes]
    value: Any  # what `data` says


def parse_line(line: bytes) -> Entry:
    malformed_unless(line.endswith(b"\n") and len(line) <= LINE_BYTES_MAX, "the line has no end")
    value = parse_canonical(line[:-1], "the line")
    only_members(value, "data header personal personal_salt salt", "the line")
    raw = member(value, "header", str).encode()
    data, salt = _part_of(value, "data", "salt")
    personal, personal_salt = _part_of(value, "personal", "personal_salt")
    said = parse_canonical(data, "data") if data is not None else None
    malformed_unless(data is None or isinstance(said, dict), "data is no object")
    if personal is not None:
        parse_canonical(personal, "personal")
    return Entry(raw, parse_header(raw), data, salt, personal, personal_salt, said)


def _part_of(value: Dict[str, Any], part: str, salt: str) -> Tuple[Optional[bytes], Optional[bytes]]:
    if value[part] is None and value[salt] is None:
        return None, None
    return member(value, part, str).encode(), hex32(value[salt], salt)


class Ledger:
    """What the entries say, and whether they hang together. `wanted` are the ids and sizes that files will ask for."""

    def __init__(self, has_parts: bool, wanted_ids: Set[int], wanted_sizes: Set[int]):
        self.has_parts = has_parts
        self.wanted_ids, self.wanted_sizes = wanted_ids, wanted_sizes
        self.hashes: Dict[int, bytes] = {}
        self.roots: Dict[int, Tuple[bytes, str]] = {}
        self.tree = Frontier()
        self.previous_hash, self.timestamp = ZERO_HASH, ""
        self.type_seqs: Dict[str, int] = {}
        self.origin: Optional[str] = None
        self.keys: Dict[str, Key] = {}
        self.memberships: List[Membership] = []
        self.feature_levels: List[Tuple[int, int]] = []
        self.erasures = Erasures()
        self.actors = Actors()

    @property
    def size(self) -> int:
        return self.tree.size

    def append(self, entry: Entry, size_max: int, origin: str) -> None:
        header = entry.header
        demand(header.id == self.size, "missing", f"entry {header.id} is in its place")
        demand(header.id < size_max, "checkpoint_replayed", f"the checkpoint is of {size_max} entries")
        demand(
            header.previous_hash == self.previous_hash,
            "broken_link",
            "previous_hash is not the hash of the entry before",
        )
        self._check_sequence(header)
        if self.has_parts:
            self._check_parts(entry)
        if header.entry_type in ("genesis", "membership_changed"):
            self.memberships.append(self._membership_of(entry))
        self._take_effect(entry)
        demand(
            self.origin in (origin, None), "wrong_origin", f"genesis says `{self.origin}`, the checkpoint `{origin}`"
        )
        self._advance(header)

    def _check_sequence(self, header: Header) -> None:
        demand(
            (header.entry_type == "genesis") == (header.id == 0), "sequence_gap", "genesis is the entry 0 and no other"
        )
        expected = self.type_seqs.get(header.entry_type, 0) + 1
        demand(header.type_seq == expected, "sequence_gap", f"type_seq is {header.type_seq} and not {expected}")
        demand(header.timestamp >= self.timestamp, "sequence_gap", "the timestamp is before that of the entry before")

    def _check_parts(self, entry: Entry) -> None:
        header = entry.header
        if entry.data is not None:
            demand(
                part_matches(entry.data, entry.salt, header.data_hash),
                "data_hash_mismatch",
                "data or its salt was changed",
            )
        if entry.personal is not None:
            holds = part_matches(entry.personal, entry.personal_salt, header.personal_hash)
            demand(holds, "personal_hash_mismatch", "personal or its salt was changed")
        has_data = entry.data is not None
        has_personal = entry.personal is not None or header.personal_hash is None
        if header.entry_type in NEVER_ERASED:
            demand(has_data and has_personal, "erasure_not_allowed", f"`{header.entry_type}` is never erased")
        self.erasures.see(header, has_data, has_personal)
        self.actors.see(header, entry.value)

    def _membership_of(self, entry: Entry) -> Membership:
        voters, outgoing = frozenset(), None
        if self.has_parts and entry.header.entry_type == "genesis":
            voters = frozenset([member(entry.value, "raft_id", int)])
        elif self.has_parts:
            voters = parse_voters(member(entry.value, "voters", list))
            malformed_unless("voters_outgoing" in entry.value, "member `voters_outgoing` is missing")
            if entry.value["voters_outgoing"] is not None:
                outgoing = parse_voters(member(entry.value, "voters_outgoing", list))
        return Membership(entry.header.id, entry.header.hash, voters, outgoing)

    def _take_effect(self, entry: Entry) -> None:
        effect = {
            "genesis": self._begin,
            "node_joined": self._node_joined,
            "key_added": self._key_added,
            "key_retired": self._key_retired,
            "feature_level_changed": self._feature_level_changed,
            "anonymization_run": self.erasures.run,
        }.get(entry.header.entry_type)
        if effect is not None and self.has_parts:
            effect(entry.header.id, entry.value)

    def _begin(self, ident: int, data: Any) -> None:
        self.origin = member(data, "origin", str)
        malformed_unless(is_origin(self.origin) and "/" in self.origin, f"`{self.origin}` is no origin")
        self._feature_level_changed(ident, data)
        self._node_joined(ident, data)

    def _feature_level_changed(self, ident: int, data: Any) -> None:
        self.feature_levels.append((ident, member(data, "feature_level", int)))

    def _node_joined(self, ident: int, data: Any) -> None:
        node_id, raft_id = member(data, "node_id", str), member(data, "raft_id", int)
        for key in self.keys.values():
            if key.node_id == node_id and key.raft_id != raft_id:
                self._end(key, ident)
        for value in member(data, "keys", list):
            self._know(ident, parse_key(value), node_id, raft_id)

    def _key_added(self, ident: int, data: Any) -> None:
        malformed_unless("replaces" in data, "member `replaces` is missing")
        if data["replaces"] is not None:
            self._end(self._known(member(data, "replaces", str)), ident)
        self._know(ident, parse_key(data.get("key")), member(data, "node_id", str), member(data, "raft_id", int))

    def _key_retired(self, ident: int, data: Any) -> None:
        key = self._known(member(data, "kid", str))
        self._end(key, ident)
        key.compromised |= member(data, "compromised", bool)

    def _know(self, ident: int, key: Key, node_id: str, raft_id: int) -> None:
        key.node_id, key.raft_id, key.since = node_id, raft_id, ident
        if key.kid in self.keys:
            known = self.keys[key.kid]
            again = Key(key.kid, key.use, key.material, node_id, raft_id, known.since)
            malformed_unless(known == again, f"key `{key.kid}` was known before as another, or ended")
            return
        self.keys[key.kid] = key

    def _known(self, kid: str) -> Key:
        malformed_unless(kid in self.keys, f"key `{kid}` is not known")
        return self.keys[kid]

    def _end(self, key: Key, ident: int) -> None:
        """A key ends once: a later entry may say that it was compromised, never that it lived longer."""
        if key.until is None:
            key.until = ident

    def _advance(self, header: Header) -> None:
        self.previous_hash, self.timestamp = header.hash, header.timestamp
        self.type_seqs[header.entry_type] = header.type_seq
        self.tree.append(header.hash)
        if header.id in self.wanted_ids:
            self.hashes[header.id] = header.hash
        if self.size in self.wanted_sizes:
            self.roots[self.size] = (self.tree.root(), header.timestamp)

    def demand_final(self, note: Checkpoint) -> List[Key]:
        """The keys that make the checkpoint final. Without `data` the voters are not known: then one key has to do."""
        if not self.has_parts:
            return demand_one_signer(note, signers_of(note, self.keys), "too_few_signatures")
        signers = [key for key in signers_of(note, self.keys) if not key.is_rsa]
        counting = [key for key in signers if key.counts_at_size(note.size)]
        membership = self._membership_at(note.size)
        if not membership.is_majority({key.raft_id for key in counting}):
            would_be = membership.is_majority({key.raft_id for key in signers})
            demand(not would_be, "key_not_valid_at_size", "voters signed with keys that do not count at this size")
            raise Fault("too_few_signatures", "no majority of the voters signed")
        return counting

    def check_extensions(self, note: Checkpoint, timestamp: str) -> None:
        holds = note.membership_hash == self._membership_at(note.size).hash and note.timestamp >= timestamp
        if self.has_parts:
            holds &= note.feature_level == [level for ident, level in self.feature_levels if ident < note.size][-1]
        demand(holds, "membership_mismatch", "the checkpoint's lines contradict the entries")

    def check_keys(self, rows: Dict[str, Dict[str, Any]]) -> None:
        demand(sorted(rows) == sorted(self.keys), "keys_mismatch", "keys.json lists other keys than the entries")
        for key in self.keys.values():
            row = rows[key.kid]
            agrees = all(name in row and row[name] == value for name, value in key.row(self.origin).items())
            demand(agrees, "keys_mismatch", f"keys.json contradicts the entries about `{key.kid}`")

    def _membership_at(self, size: int) -> Membership:
        return [membership for membership in self.memberships if membership.id < size][-1]


def parse_voters(values: List[Any]) -> FrozenSet[int]:
    voters = [member(value, "raft_id", int) for value in values]
    malformed_unless(bool(voters) and len(set(voters)) == len(voters), "the voters are none, or one is named twice")
    return frozenset(voters)


class Erasures:
    """Which parts are gone, and whether a later run names them."""

    def __init__(self) -> None:
        self.erased = 0
        self.protected: List[int] = []
        self.unnamed: Dict[str, Set[int]] = {"data": set(), "personal": set()}

    def see(self, header: Header, has_data: bool, has_personal: bool) -> None:
        if header.entry_type in NEVER_ERASED:
            self.protected.append(header.id)
        if not has_data:
            self.unnamed["data"].add(header.id)
        if not has_personal:
            self.unnamed["personal"].add(header.id)
        self.erased += not (has_data and has_personal)

    def run(self, ident: int, data: Any) -> None:
        part = member(data, "part", str)
        member(data, "count", int)
        malformed_unless(
            part in ("personal", "all") and member(data, "cause", str) in ("request", "retention"),
            "the run is of no known kind",
        )
        for first, last in parse_ranges(member(data, "ranges", list), ident):
            at = bisect.bisect_left(self.protected, first)
            hit = at < len(self.protected) and self.protected[at] <= last
            demand(not hit, "erasure_not_allowed", "the run names an entry that is never erased")
            named = range(first, last + 1)
            self.unnamed["personal"].difference_update(named)
            if part == "all":
                self.unnamed["data"].difference_update(named)

    def finish(self) -> None:
        gone = self.unnamed["data"] | self.unnamed["personal"]
        if gone:
            raise Fault("unrecorded_erasure", "a part is gone that no later run names", min(gone))


def parse_ranges(values: List[Any], ident: int) -> List[Tuple[int, int]]:
    ranges, end, total = [], -1, 0
    for value in values:
        only_members(value, "from to", "a range")
        first, last = member(value, "from", int), member(value, "to", int)
        malformed_unless(end < first <= last < ident, "the ranges are not ascending, or reach the run itself")
        end, total = last, total + last - first + 1
        ranges.append((first, last))
    malformed_unless(total <= RUN_IDS_MAX, f"the run names more than {RUN_IDS_MAX} entries")
    return ranges


class Actors:
    """Whether `actor_seq` counts without gaps but those that erased headers explain.

    A gap ending at entry j takes, for each missing number, the least erased header after the actor's entry before that
    is still free. Taken in order of j this explains all gaps if they can be explained at all, whoever the erased
    entries were about.
    """

    def __init__(self) -> None:
        self.last: Dict[str, Tuple[int, int]] = {}
        self.free: Dict[int, List[int]] = {}
        self.explained = 0
        self.fault: Optional[Fault] = None

    def see(self, header: Header, data: Any) -> None:
        if data is None:
            if header.actor_seq:
                self.free.setdefault(header.actor_seq, []).append(header.id)
            return
        actor = data.get("actor")
        if self.fault is None and not self._follows(header, actor if isinstance(actor, str) else None):
            self.fault = Fault("sequence_gap", f"actor_seq {header.actor_seq} does not follow", header.id)

    def finish(self) -> None:
        if self.fault:
            raise self.fault

    def _follows(self, header: Header, actor: Optional[str]) -> bool:
        if actor is None:
            return header.actor_seq == 0
        number, entry = self.last.get(actor, (0, -1))
        self.last[actor] = (header.actor_seq, header.id)
        if header.actor_seq <= number:
            return False
        return all(self._explain(missing, entry) for missing in range(number + 1, header.actor_seq))

    def _explain(self, number: int, after: int) -> bool:
        free = self.free.get(number, [])
        at = bisect.bisect_right(free, after)
        if at == len(free):
            return False
        free.pop(at)
        self.explained += 1
        return True


# Files that lean on a ledger: proofs and receipts (section 5), replies (section 4).


class Receipt(NamedTuple):
    header: Header
    data: Optional[bytes]
    salt: Optional[bytes]
    personal: Optional[bytes]
    personal_salt: Optional[bytes]
    leaf: bytes
    path: List[bytes]
    root: bytes
    size: int
    checkpoint: Checkpoint


def parse_receipt(value: Any) -> Receipt:
    only_members(
        value,
        "checkpoint data entry_id hashes header leaf_hash leaf_index personal personal_salt root_hash salt tree_size",
        "the receipt",
    )
    header = parse_header(base64_strict(value["header"], "header"))
    same = header.id == member(value, "entry_id", int) == member(value, "leaf_index", int)
    malformed_unless(same, "the receipt's header, entry and leaf index are of different entries")
    parts = []
    for part, salt in (("data", "salt"), ("personal", "personal_salt")):
        malformed_unless(
            (value[part] is None) == (value[salt] is None), f"`{part}` is without `{salt}` or the other way"
        )
        parts += [None, None] if value[part] is None else [canonical(value[part]), hex32(value[salt], salt)]
    return Receipt(
        header,
        *parts,
        hex32(value["leaf_hash"], "leaf_hash"),
        [hex32(node, "a hash of the proof") for node in member(value, "hashes", list)],
        hex32(value["root_hash"], "root_hash"),
        member(value, "tree_size", int),
        parse_checkpoint(member(value, "checkpoint", str).encode()),
    )


def parse_tlog_proof(raw: bytes) -> Receipt:
    head, blank, note = raw.partition(b"\n\n")
    checkpoint = parse_checkpoint(note)
    malformed_unless(blank != b"" and head.isascii(), "the proof has no checkpoint")
    lines = head.decode().split("\n")
    begins = (
        len(lines) > 2
        and lines[0] == "c2sp.org/tlog-proof@v1"
        and lines[1].startswith("extra ")
        and lines[2].startswith("index ")
    )
    malformed_unless(begins, "the proof does not begin as one with a header")
    raw_header = base64_strict(lines[1][6:], "extra")
    header = parse_header(raw_header)
    malformed_unless(integer_text(lines[2][6:], "index") == header.id, "the proof's index is not the id of its header")
    path = [base64_strict(line, "a hash of the proof") for line in lines[3:]]
    malformed_unless(all(len(node) == 32 for node in path), "a hash of the proof is not of 32 bytes")
    return Receipt(header, None, None, None, None, header.hash, path, checkpoint.root, checkpoint.size, checkpoint)


def check_receipt(receipt: Receipt, ledger: Optional[Ledger], trusted: Optional[Dict[str, Key]]) -> List[Key]:
    """The keys that vouch for it, if there is a ledger or a key to ask."""
    header, note, signers = receipt.header, receipt.checkpoint, []
    larger = ledger is not None and note.size > ledger.size
    if ledger is not None:
        demand(note.origin == ledger.origin, "wrong_origin", "the checkpoint is of another log")
    if receipt.data is not None:
        demand(
            part_matches(receipt.data, receipt.salt, header.data_hash),
            "data_hash_mismatch",
            "data or its salt was changed",
        )
    if receipt.personal is not None:
        holds = part_matches(receipt.personal, receipt.personal_salt, header.personal_hash)
        demand(holds, "personal_hash_mismatch", "personal or its salt was changed")
    if ledger is not None and not larger:
        signers = ledger.demand_final(note)
        ledger.check_extensions(note, ledger.roots[note.size][1])
    demand(receipt.leaf == header.hash, "hash_mismatch", "leaf_hash is not the hash of the header")
    if ledger is not None:
        demand(
            ledger.hashes.get(header.id) == header.hash, "hash_mismatch", "the header is not that of the ledger's entry"
        )
    agrees = (receipt.root, receipt.size) == (note.root, note.size)
    demand(agrees, "inclusion_failed", "root and size are not those of the checkpoint")
    holds = inclusion_root(receipt.leaf, header.id, receipt.size, receipt.path) == receipt.root
    demand(holds, "inclusion_failed", "the proof does not lead to the root")
    if ledger is not None:
        same = not larger and ledger.roots[note.size][0] == note.root
        demand(same, "consistency_failed", "the checkpoint is not one of this ledger, as far as it goes")
    if trusted is not None:
        signers = demand_one_signer(note, signers_of(note, trusted), "key_unknown")
    return signers


def check_signature(
    keys: Dict[str, Key], kid: str, use: str, entry: int, signature: bytes, message: Optional[bytes]
) -> None:
    key = keys.get(kid)
    demand(
        key is not None and key.use == use and not key.is_rsa, "key_unknown", f"`{kid}` is no known key of use `{use}`"
    )
    demand(key.counts_for_entry(entry), "key_not_valid_at_index", f"`{kid}` does not count for this entry")
    demand(
        message is not None and key.holds(signature, message),
        "signature_invalid",
        f"the signature of `{kid}` does not verify",
    )


class Reply(NamedTuple):
    entry: int
    hash: bytes
    signed: Dict[str, Any]  # check_signature's arguments beside the keys
    token: Optional[Dict[str, Any]]


def parse_reply(value: Any) -> Reply:
    signature = member(value, "signature", dict)
    message: Optional[bytes] = canonical(
        {name: item for name, item in value.items() if name not in ("signature", "node", "capability_token")}
    )
    algorithm = member(signature, "algorithm", str)
    if algorithm == "Ed25519-batch":
        message = batch_message(signature, message)
    else:
        malformed_unless(algorithm == "Ed25519", f"`{algorithm}` is no algorithm of format 1")
    entry = member(value, "ledger_entry_id", int)
    signed = {
        "kid": member(signature, "key_id", str),
        "use": "decision",
        "entry": entry,
        "signature": base64url_strict(member(signature, "value", str), "signature"),
        "message": message,
    }
    malformed_unless(len(signed["signature"]) == 64, "the signature is not of 64 bytes")
    token = value.get("capability_token")
    return Reply(
        entry,
        hex32(value["ledger_entry_hash"], "ledger_entry_hash"),
        signed,
        None if token is None else parse_token(token),
    )


def batch_message(signature: Dict[str, Any], signed: bytes) -> Optional[bytes]:
    """None where the path is not one of such a tree: then no signature can be over it."""
    path = [hex32(node, "a hash of the path") for node in member(signature, "path", list)]
    index, size = member(signature, "leaf_index", int), member(signature, "tree_size", int)
    root = inclusion_root(leaf_hash(signed), index, size, path)
    if root is None:
        return None
    return b"lexecon/batch/v1\n" + root.hex().encode() + b"\n"


def parse_token(token: Any) -> Dict[str, Any]:
    # The signature is cut off by its length: base64url has `_` in it, so there is no other way to tell where it begins.
    form = (
        isinstance(token, str)
        and token.isascii()
        and token.startswith("cap_")
        and len(token) > 91
        and token[-87] == "_"
    )
    malformed_unless(form, "the capability token is none")
    claims = parse_canonical(base64url_strict(token[4:-87], "the token's claims"), "the token's claims")
    signature = base64url_strict(token[-86:], "the token's signature")
    kid, entry = member(claims, "kid", str), member(claims, "idx", int)
    return {"kid": kid, "use": "token", "entry": entry, "signature": signature, "message": token[:-87].encode()}


def check_reply(reply: Reply, ledger: Optional[Ledger], keys: Dict[str, Key]) -> None:
    if ledger is not None:
        demand(
            ledger.hashes.get(reply.entry) == reply.hash, "hash_mismatch", "the hash is not that of the ledger's entry"
        )
    check_signature(keys, **reply.signed)
    if reply.token is not None:
        check_signature(keys, **reply.token)


# Directories (section 6).


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot read `{path}`: {error.strerror}") from error


def entries_of_lines(path: Path) -> Iterator[Entry]:
    try:
        with path.open("rb") as lines:
            while True:
                line = lines.readline(LINE_BYTES_MAX + 1)
                if not line:
                    return
                yield parse_line(line)
    except OSError as error:
        raise Unreadable(f"cannot read `{path}`: {error.strerror}") from error


def entries_of_bundles(directory: Path, size: int) -> Iterator[Entry]:
    for first in range(0, size, TILE_WIDTH):
        width = min(TILE_WIDTH, size - first)
        path = tile_path("entries", first // TILE_WIDTH, width)
        demand((directory / path).exists(), "missing", f"`{path}` is not there")
        for raw in split_bundle(read(directory / path), width, path):
            yield Entry(raw, parse_header(raw), None, None, None, None, None)


def run_through(ledger: Ledger, entries: Iterator[Entry], tiles: Tiles, note: Checkpoint) -> None:
    try:
        for entry in entries:
            ledger.append(entry, note.size, note.origin)
            tiles.append(entry.raw, entry.header.hash)
        demand(ledger.size == note.size, "missing", f"the checkpoint is of {note.size} entries")
    except Fault as fault:
        fault.entry = ledger.size
        raise


def parse_file(path: Path) -> Any:
    """A receipt or a reply, told apart by what only one of them has."""
    raw = read(path)
    if path.suffix == ".tlog-proof":
        return parse_tlog_proof(raw)
    value = parse_json(raw, f"`{path.name}`")
    malformed_unless(isinstance(value, dict), f"`{path.name}` is no object")
    return parse_reply(value) if "ledger_entry_hash" in value else parse_receipt(value)


def check_file(item: Any, ledger: Optional[Ledger], trusted: Optional[Dict[str, Key]]) -> List[Key]:
    try:
        if isinstance(item, Receipt):
            return check_receipt(item, ledger, trusted)
        check_reply(item, ledger, ledger.keys if ledger is not None else trusted)
        return []
    except Fault as fault:
        fault.entry = item.entry if isinstance(item, Reply) else item.header.id
        raise


def check_directory(
    directory: Path, trusted: Optional[Dict[str, Key]], items: List[Any]
) -> Tuple[Ledger, Dict[str, Any]]:
    note = parse_checkpoint(read(directory / "checkpoint"))
    keys, rows = parse_keys_json(read(directory / "keys.json"))
    beside = [
        parse_file(path) for kind in ("decisions", "receipts") for path in sorted((directory / kind).glob("*.json"))
    ]
    asked = beside + items
    receipts = [item for item in asked if isinstance(item, Receipt)]
    ids = {item.header.id for item in receipts} | {item.entry for item in asked if isinstance(item, Reply)}
    has_parts = (directory / "entries.jsonl").exists()
    ledger = Ledger(has_parts, ids, {item.checkpoint.size for item in receipts})
    tiles = Tiles(directory)
    entries = entries_of_lines(directory / "entries.jsonl") if has_parts else entries_of_bundles(directory, note.size)
    run_through(ledger, entries, tiles, note)
    ledger.actors.finish()
    ledger.erasures.finish()
    demand(ledger.tree.root() == note.root, "root_mismatch", "the entries have another root than the checkpoint")
    tiles.finish()
    if not has_parts:
        ledger.origin, ledger.keys = note.origin, keys
    signers = ledger.demand_final(note)
    ledger.check_extensions(note, ledger.timestamp)
    if has_parts:
        ledger.check_keys(rows)
    if trusted is not None:
        known = {
            key.material["x"]
            for key in trusted.values()
            # What was given up, or was never for checkpoints, anchors nothing.
            if not key.is_rsa and key.use == "checkpoint" and key.counts_at_size(note.size)
        }
        demand(
            any(key.material["x"] in known for key in signers),
            "key_unknown",
            "none of the given keys signed the checkpoint",
        )
    for item in beside:
        check_file(item, ledger, None)
    report = {"size": note.size, "root": note.root.hex(), "signers": sorted(key.kid for key in signers)}
    report.update(
        {
            "entries_erased": ledger.erasures.erased,
            "gaps_explained": ledger.actors.explained,
            "trusted": trusted is not None,
        }
    )
    return ledger, report


# The evidence package (section 7).

MANIFEST = "manifest.json"
FILES_MAX = 1 << 20
CHUNK_BYTES = 1 << 20
NARROW_END = 2**32 - 1
_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,7}")


class Source(NamedTuple):
    """What an entry that makes a record says of it: `a` is `a` in both, `a=b.c` the record's `a` and `c` in the part's `b`."""

    id: str  # of data: the record's id, or that of something whose number it shares
    same: List[str]
    same_personal: List[str]


class Rule(NamedTuple):
    """What the records of a kind have in common with the entries that make them, by the type of those."""

    id: str
    prefix: str
    at: str  # the entry's time
    withheld: List[str]  # may be null in the record alone
    made_by: Dict[str, Source]


def _source(ident: str, same: str, same_personal: str) -> Source:
    return Source(ident, same.split(), same_personal.split())


_POLICY = "document document_version loaded_by=by mode name policy_hash relations_count terms_count"
RULES = {
    "decisions": Rule(
        "decision_id",
        "dec_",
        "timestamp",
        [],
        {
            "decision": _source(
                "decision_id",
                "action actor data_classes escalation_id facts obligations outcome policy_hash "
                "policy_mode policy_version reason reason_code request_id resource risk risk_id "
                "token_expires_at token_id tool",
                "context context_hash user_intent",
            ),
        },
    ),
    "risks": Rule(
        "risk_id",
        "rsk_",
        "timestamp",
        [],
        {
            "risk_assessed": _source(
                "risk_id",
                "decision_id dimensions escalation_id overall_score risk_level supersedes version",
                "",
            ),
            "decision": _source(
                "risk_id",
                "decision_id overall_score=risk.score risk_level=risk.level",
                "",
            ),
        },
    ),
    "escalations": Rule(
        "escalation_id",
        "esc_",
        "created_at",
        ["action_digest"],
        {
            "escalation_created": _source(
                "escalation_id",
                "decision_id escalated_to priority sla_deadline trigger",
                "action_digest context_summary metadata",
            ),
            "decision": _source(
                "escalation_id",
                "decision_id",
                "",
            ),
            "risk_assessed": _source(
                "escalation_id",
                "decision_id",
                "",
            ),
        },
    ),
    "overrides": Rule(
        "override_id",
        "ovr_",
        "timestamp",
        [],
        {
            "override_executed": _source(
                "override_id",
                "authorized_by=by authorized_role decision_id evidence_ids expires_at new_outcome "
                "original_outcome override_type review_required_by scope",
                "justification metadata",
            ),
        },
    ),
    "evidence": Rule(
        "artifact_id",
        "evd_",
        "created_at",
        ["sha256_hash", "size_bytes"],
        {
            "evidence_registered": _source(
                "artifact_id",
                "artifact_type content_type registered_by=by related_control_ids retention_until "
                "sha256_hash size_bytes storage_uri",
                "metadata source",
            ),
            "override_executed": _source(
                "override_id",
                "registered_by=by",
                "",
            ),
        },
    ),
    "responsibility": Rule(
        "record_id",
        "resp_",
        "timestamp",
        [],
        {
            "responsibility_recorded": _source(
                "responsibility_id",
                "confidence_percent decision_id decision_maker delegated_from responsibility_level "
                "responsible_party role",
                "reasoning",
            ),
            "decision": _source(
                "decision_id",
                "decision_id reasoning=reason",
                "",
            ),
            "escalation_resolved": _source(
                "responsibility_id",
                "decision_id escalation_id responsible_party=by",
                "reasoning=notes",
            ),
            "override_executed": _source(
                "responsibility_id",
                "decision_id override_id responsible_party=by role=authorized_role",
                "reasoning=justification",
            ),
        },
    ),
    "interventions": Rule(
        "intervention_id",
        "int_",
        "timestamp",
        [],
        {
            "intervention": _source(
                "intervention_id",
                "decision_id display_digest human_id=by human_role intervention_type response_time_ms "
                "stop stop_id",
                "ai_recommendation human_decision reason request_context",
            ),
        },
    ),
    "policies": Rule(
        "version",
        "",
        "loaded_at",
        [],
        {
            "policy_loaded": _source(
                "policy_version",
                _POLICY,
                "",
            ),
            "policy_rolled_back": _source(
                "policy_version",
                _POLICY,
                "",
            ),
        },
    ),
}
SCOPES = {
    "all": list(RULES),
    "decision_log_only": ["decisions"],
    "risk_only": ["risks"],
    "escalation_only": ["escalations"],
    "override_only": ["overrides"],
    "evidence_only": ["evidence"],
    "compliance_only": [],
}


def is_file_name(name: str) -> bool:
    parts = name.split("/")
    return _NAME.fullmatch(name) is not None and len(name) <= 255 and "." not in parts and ".." not in parts


def demand_of(path: str, condition: bool, code: str, detail: str, entry: Optional[int] = None) -> None:
    if not condition:
        raise Fault(code, detail, entry, path)


class Member(NamedTuple):
    """A file of an archive, and the only headers it may have (PKWARE APPNOTE 6.3.9, sections 4.3 and 4.5.3)."""

    name: str
    size: int
    crc: int
    offset: int

    def local(self) -> bytes:
        extra = zip64(self.size, self.size) if self.size >= NARROW_END else b""
        version = struct.pack("<H", 45 if extra else 20)
        return b"PK\x03\x04" + version + self._common() + struct.pack("<H", len(extra)) + self.name.encode() + extra

    def central(self) -> bytes:
        large = [self.size, self.size] if self.size >= NARROW_END else []
        large += [self.offset] if self.offset >= NARROW_END else []
        extra = zip64(*large) if large else b""
        versions = struct.pack("<HH", 0x32D, 45) if large else struct.pack("<HH", 0x314, 20)
        place = struct.pack("<II", 0o100644 << 16, min(self.offset, NARROW_END))
        lengths = struct.pack("<H", len(extra)) + bytes(6)
        return b"PK\x01\x02" + versions + self._common() + lengths + place + self.name.encode() + extra

    def _common(self) -> bytes:
        size = min(self.size, NARROW_END)
        return struct.pack("<HHHHIIIH", 0, 0, 0, 0x21, self.crc, size, size, len(self.name.encode()))


def zip64(*numbers: int) -> bytes:
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def tail_of(members: List[Member], offset: int) -> bytes:
    """The directory and the end of an archive whose members end at `offset`."""
    directory = b"".join(member.central() for member in members)
    count, size = len(members), len(directory)
    short, large = min(count, 0xFFFF), b""
    if 0xFFFF in (short,) or NARROW_END in (min(offset, NARROW_END), min(size, NARROW_END)):
        large = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 0x32D, 45, 0, 0, count, count, size, offset)
        large += b"PK\x06\x07" + struct.pack("<IQI", 0, offset + size, 1)
    end = struct.pack("<HHHHIIH", 0, 0, short, short, min(size, NARROW_END), min(offset, NARROW_END), 0)
    return directory + large + b"PK\x05\x06" + end


def unpack(archive: Path, target: Path) -> None:
    """Writes the members. Whatever is read is compared with what would have been written, headers and directory too."""
    members: List[Member] = []
    names: Set[str] = set()
    offset = 0
    try:
        left = archive.stat().st_size
        with archive.open("rb") as opened:
            while True:
                signature = _take(opened, 4)
                if signature != b"PK\x03\x04":
                    expected = tail_of(members, offset)
                    same = signature + opened.read(len(expected) + 1) == expected
                    demand(same, "archive_malformed", "what follows the members is not their directory")
                    return
                member = _header(opened, offset)
                name, last = member.name, members[-1].name if members else ""
                folders = ["/".join(name.split("/")[:depth]) for depth in range(1, name.count("/") + 1)]
                once = name != last and names.isdisjoint(folders) and len(members) < FILES_MAX
                demand_of(name, once, "path_refused", "it occurs twice, or is below a file")
                demand_of(name, last < name, "archive_malformed", "the member is not in its place")
                length = len(member.local())
                whole = offset + length + member.size <= left
                demand_of(name, whole, "archive_malformed", "the member is longer than the archive")
                _extract(opened, member, target / name)
                members.append(member)
                names.add(name)
                offset += length + member.size
    except OSError as error:
        raise Unreadable(f"cannot unpack `{archive}`: {error.strerror}") from error


def _take(opened: BinaryIO, length: int) -> bytes:
    raw = opened.read(length)
    demand(len(raw) == length, "archive_malformed", "the archive ends within a header")
    return raw


def _header(opened: BinaryIO, offset: int) -> Member:
    fixed = _take(opened, 26)
    *_, crc, _, size, name_length, extra_length = struct.unpack("<HHHHHIIIHH", fixed)
    raw, extra = _take(opened, name_length), _take(opened, extra_length)
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise Fault("archive_malformed", "a name is not UTF-8") from error
    demand_of(name, is_file_name(name), "path_refused", "it leads elsewhere")
    if size == NARROW_END:
        demand(len(extra) >= 12, "archive_malformed", "a member has no size")
        (size,) = struct.unpack("<Q", extra[4:12])
    member = Member(name, size, crc, offset)
    same = member.local() == b"PK\x03\x04" + fixed + raw + extra
    demand_of(name, same, "archive_malformed", "the member's header is not of the one form")
    return member


def _extract(opened: BinaryIO, member: Member, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    crc, left = 0, member.size
    with path.open("xb") as out:
        while left:
            chunk = opened.read(min(left, CHUNK_BYTES))
            demand_of(member.name, chunk != b"", "archive_malformed", "the archive ends within the member")
            out.write(chunk)
            crc, left = zlib.crc32(chunk, crc), left - len(chunk)
    demand_of(member.name, crc == member.crc, "file_changed", "the member has not its checksum")


def files_below(directory: Path) -> Dict[str, Path]:
    """Every file by name. Links are refused, not followed."""
    found: Dict[str, Path] = {}
    for folder, folders, names in os.walk(directory):
        for entry in sorted(folders) + sorted(names):
            path = Path(folder) / entry
            name = path.relative_to(directory).as_posix()
            kind = stat.S_IFMT(path.lstat().st_mode)
            plain = kind in (stat.S_IFREG, stat.S_IFDIR) and is_file_name(name) and len(found) < FILES_MAX
            demand_of(name, plain, "path_refused", "it is no plain file of a plain name")
            if kind == stat.S_IFREG:
                found[name] = path
    return found


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as opened:
            for chunk in iter(lambda: opened.read(CHUNK_BYTES), b""):
                digest.update(chunk)
    except OSError as error:
        raise Unreadable(f"cannot read `{path}`: {error.strerror}") from error
    return digest.hexdigest()


def check_manifest(directory: Path) -> int:
    """Every file is the one that is named, in the order of names; says how many there are."""
    found = files_below(directory)
    demand_of(MANIFEST, MANIFEST in found, "file_missing", "there is no manifest")
    try:
        manifest = parse_json(read(found.pop(MANIFEST)), "the manifest")
        malformed_unless(isinstance(manifest, dict), "the manifest is no object")
        for name, row in manifest.items():
            only_members(row, "sha256 size", f"the row of `{name}`")
            hex32(row["sha256"], "sha256")
            malformed_unless(is_integer(row["size"]) and is_file_name(name), f"the row of `{name}` is none")
    except Fault as fault:
        raise Fault("manifest_malformed", fault.detail, path=MANIFEST) from fault
    manifest.pop(MANIFEST, None)
    for name in sorted({*found, *manifest}):
        demand_of(name, name in found, "file_missing", "the manifest names it, and it is not there")
        demand_of(name, name in manifest, "file_added", "it is there, and the manifest does not name it")
        row, path = manifest[name], found[name]
        same = path.stat().st_size == row["size"] and sha256_of_file(path) == row["sha256"]
        demand_of(name, same, "file_changed", "its bytes are not those that the manifest names")
    return len(found)


class Records:
    """The records of one kind, read beside the entries."""

    def __init__(self, directory: Path, kind: str):
        self.path, self.rule, self.count = f"records/{kind}.ndjson", RULES[kind], 0
        file = directory / self.path
        demand_of(self.path, file.is_file(), "file_missing", "the records are not there")
        self.lines = self._read(file)
        self.next: Optional[Dict[str, Any]] = None
        self.advance(0)

    def _read(self, file: Path) -> Iterator[bytes]:
        with file.open("rb") as lines:
            yield from iter(lambda: lines.readline(LINE_BYTES_MAX), b"")

    def advance(self, least: int) -> None:
        line = next(self.lines, None)
        if line is None:
            self.next = None
            return
        try:
            self.next = parse_json(line, "the line")
            ordered = member(self.next, "ledger_entry_id", int) >= least
        except Fault as fault:
            raise Fault("record_malformed", fault.detail, least, self.path) from fault
        demand_of(self.path, ordered, "record_malformed", "the records are not in the order of entries", least)

    def of_entry(self, entry: Entry, covered: bool) -> None:
        number, source = entry.header.id, self.rule.made_by.get(entry.header.entry_type)
        there = self.next is not None and self.next["ledger_entry_id"] == number
        told = source is not None and entry.value is not None and entry.value.get(source.id) is not None
        demand_of(self.path, not there or told and covered, "record_unfounded", "its entry made no such record", number)
        if there:
            same = self._is_of(self.next, entry, source)
            demand_of(self.path, same, "record_mismatch", "a record says something else than its entry", number)
            self.count += 1
            self.advance(number + 1)
        elif told and covered:
            raise Fault("record_missing", "an entry that made a record has none", number, self.path)

    def _is_of(self, record: Dict[str, Any], entry: Entry, source: Source) -> bool:
        if record.get("ledger_entry_hash") not in (None, entry.header.hash.hex()):
            return False
        personal = parse_json(entry.personal, "personal") if entry.personal is not None else {}
        return (
            record.get(self.rule.at) == entry.header.timestamp
            and self._has_id(record, entry.value[source.id])
            and all(self._is_same(name, record, entry.value) for name in source.same)
            and all(self._is_same(name, record, personal) for name in source.same_personal)
        )

    def _has_id(self, record: Dict[str, Any], told: Any) -> bool:
        """The same, or under the prefix of the kind the number of what it goes with."""
        named = record.get(self.rule.id)
        if isinstance(named, str) and isinstance(told, str):
            return "_" in told and named == self.rule.prefix + told.split("_", 1)[1]
        return type(named) is type(told) and named == told

    def _is_same(self, name: str, record: Dict[str, Any], part: Any) -> bool:
        shown, _, path = name.partition("=")
        if record.get(shown) is None and shown in self.rule.withheld:
            return True
        for step in (path or shown).split("."):
            part = part.get(step) if isinstance(part, dict) else None
        return canonical(record.get(shown)) == canonical(part)

    def finish(self) -> None:
        number = None if self.next is None else self.next["ledger_entry_id"]
        demand_of(self.path, self.next is None, "record_unfounded", "a record is of an entry that is not there", number)


def check_records(directory: Path, export: Dict[str, Any], counts: Dict[str, Any]) -> None:
    demand_of("export.json", export["scope"] in SCOPES, "export_malformed", "there is no such scope")
    kinds = {kind: Records(directory, kind) for kind in SCOPES[export["scope"]]}
    paths = [records.path for records in kinds.values()]
    for name in sorted(files_below(directory)):
        known = not name.startswith("records/") or name in paths
        demand_of(name, known, "export_malformed", "the scope has no such records")
    since, until, size = export["from"] or "", export["to"] or "~", export["ledger_size"]
    for entry in entries_of_lines(directory / "ledger" / "entries.jsonl"):
        if entry.header.id >= size:
            break
        covered = since <= entry.header.timestamp < until
        for records in kinds.values():
            records.of_entry(entry, covered)
    for records in kinds.values():
        records.finish()
    same = {kind: records.count for kind, records in kinds.items()} == counts
    demand_of("export.json", same, "export_malformed", "it counts other records than there are")


def parse_export(directory: Path) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    path = "export.json"
    demand_of(path, (directory / path).is_file(), "file_missing", "it is not there")
    try:
        value = parse_json(read(directory / path), path)
        export, counts = member(value, "export", dict), member(value, "records", dict)
        for name in ("scope", "origin"):
            member(export, name, str)
        member(export, "ledger_size", int)
        for name in ("from", "to"):
            time = export.get(name)
            malformed_unless(name in export and (time is None or is_timestamp(time)), f"`{name}` is no time")
        known = all(kind in RULES and is_integer(count) for kind, count in counts.items())
        malformed_unless(known, "it counts what are no records")
    except Fault as fault:
        raise Fault("export_malformed", fault.detail, path=path) from fault
    return export, counts


def file_of(fault: Fault) -> str:
    """Where a fault of the ledger shows."""
    if fault.code in ("keys_mismatch", "tile_mismatch"):
        return {"keys_mismatch": "/keys.json", "tile_mismatch": "/tile"}[fault.code]
    of_checkpoint = "root_mismatch checkpoint_signature_invalid too_few_signatures key_not_valid_at_size"
    if fault.code in f"{of_checkpoint} membership_mismatch key_unknown".split():
        return "/checkpoint"
    return "" if fault.entry is None else "/entries.jsonl"


def check_status(status: Path, sha256_of_archive: str, known: List[Dict[str, Key]]) -> str:
    """The key that signed the archive: one of the ledger's for exports, or one of those given."""
    try:
        value = parse_json(read(status), "the status")
        signature = member(value, "signature", dict)
        malformed_unless(member(signature, "algorithm", str) == "Ed25519", "the algorithm is none of format 1")
        kid, digest = member(signature, "key_id", str), hex32(member(value, "sha256", str), "sha256").hex()
        raw = base64url_strict(member(signature, "value", str), "the signature")
        malformed_unless(len(raw) == 64, "the signature is not of 64 bytes")
    except Fault as fault:
        raise Fault("status_malformed", fault.detail) from fault
    demand(digest == sha256_of_archive, "sha256_mismatch", "the status is of another file")
    found = [keys[kid] for keys in known if kid in keys]
    good = all(key.use == "export" and not key.is_rsa and not key.compromised for key in found)
    demand(bool(found) and good, "key_unknown", f"`{kid}` is no key for exports that is known and good")
    signed = found[0].holds(raw, b"lexecon/export/v1\n" + digest.encode() + b"\n")
    demand(signed, "signature_invalid", "the signature is not over the archive's hash")
    return kid


def check_archive(path: Path, trusted: Optional[Dict[str, Key]], status: Optional[Path]) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        unpack(path, Path(scratch))
        report = check_package(Path(scratch), trusted)
        report["sha256"] = sha256_of_file(path)
        if status is not None:
            known = [parse_keys_json(read(Path(scratch) / "ledger" / "keys.json"))[0], trusted or {}]
            report["package_signer"] = check_status(status, report["sha256"], known)
    return report


def check_package(path: Path, trusted: Optional[Dict[str, Key]]) -> Dict[str, Any]:
    files = check_manifest(path)
    export, counts = parse_export(path)
    try:
        ledger, report = check_directory(path / "ledger", trusted, [])
    except Fault as fault:
        raise Fault(fault.code, fault.detail, fault.entry, "ledger" + file_of(fault)) from fault
    of = export["origin"] == ledger.origin and export["ledger_size"] <= ledger.size
    demand_of("export.json", of, "export_malformed", "it is of another ledger")
    check_records(path, export, counts)
    shown = [f"{kind} {count}" for kind, count in sorted(counts.items())]
    report.update({"scope": export["scope"], "ledger_size": export["ledger_size"], "files": files, "records": shown})
    return report


def check_path(path: Path, keys: Optional[Path], export: Optional[Path], status: Optional[Path]) -> Dict[str, Any]:
    trusted = parse_keys_json(read(keys))[0] if keys is not None else None
    is_unpacked = (path / MANIFEST).is_file() or ((path / "export.json").is_file() and (path / "ledger").is_dir())
    if path.suffix == ".zip" and not path.is_dir():
        return check_archive(path, trusted, status)
    if status is not None:
        raise WrongUsage("--status goes with the archive of a package")
    if is_unpacked:
        return check_package(path, trusted)
    if path.is_dir():
        return check_directory(path, trusted, [])[1]
    item = parse_file(path)
    if isinstance(item, Reply) and keys is None and export is None:
        raise WrongUsage("the reply to a decision needs --keys or --export")
    ledger, report = None, {"trusted": trusted is not None}
    if export is not None:
        ledger, report = check_directory(export, trusted, [item])
    signers = check_file(item, ledger, trusted if ledger is None else None)
    if isinstance(item, Receipt):
        report.update(
            {
                "entry": item.header.id,
                "size": item.size,
                "root": item.root.hex(),
                "signers": sorted(key.kid for key in signers),
            }
        )
    else:
        report["entry"] = item.entry
    return report


def show(report: Dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, sort_keys=True))
        return
    print("holds" if report["ok"] else "does not hold")
    for name, value in report.items():
        if isinstance(value, list):
            value = ", ".join(value)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        if name != "ok" and value is not None:
            print(f"{name}: {value}")


def parse_arguments(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Verify a Lexecon ledger, receipt, proof or decision."
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--keys", type=Path, help="a keys.json that came from elsewhere")
    parser.add_argument("--export", type=Path, help="an export directory to check a single file against")
    parser.add_argument("--status", type=Path, help="the status of the export that a package is of")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if (options.path.is_dir() or options.path.suffix == ".zip") and options.export is not None:
        parser.error("--export goes with a single file")
    if options.path.suffix == ".tlog-proof" and options.keys is None and options.export is None:
        parser.error("a proof needs --keys or --export")
    return options


def main(arguments: List[str]) -> int:
    options = parse_arguments(arguments)
    try:
        report = check_path(options.path, options.keys, options.export, options.status)
    except Fault as fault:
        found = {"ok": False, "code": fault.code, "entry": fault.entry, "detail": fault.detail}
        show({**found, **({} if fault.path is None else {"path": fault.path})}, options.json)
        return 1
    except (WrongUsage, Unreadable) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongUsage) else 3
    show({"ok": True, **report}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
