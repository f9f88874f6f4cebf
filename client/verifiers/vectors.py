#!/usr/bin/env python3
"""Write the test vectors of the ledger's format: node/core/ledger/tests/vectors/exports.json and exports/.

    vectors.py [DIRECTORY]

A vector is a set of files. One that differs little from another names it as `base` and lists what to `replace` and to
`remove`; `materialize` puts the files together again. Single files (receipts, proofs, replies) are their own `path`.
`about` says what was done to it, `code` and `entry` what a verifier has to say of it.
"""

import base64
import json
import shutil
import sys
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from ledgers import (
    EdKey,
    Files,
    Log,
    N1,
    N1_RSA,
    N2,
    N2_NEW,
    N3,
    N3_NEW,
    Node,
    ORIGIN,
    OTHER_ORIGIN,
    STRANGER,
    WITNESS,
    batch_reply,
    checkpoint,
    drawn,
    export,
    good_log,
    inclusion,
    key_id,
    keys_json,
    lines_of,
    receipt,
    reply,
    signature_line,
    small_log,
    stamp,
    tlog_proof,
    token,
    trio,
    wide_log,
)
from verify import base64url, canonical, node_hash, tile_path

VECTORS = Path(__file__).resolve().parents[2] / "node/core/ledger/tests/vectors"


class Vectors:
    def __init__(self) -> None:
        self.listed: List[Dict[str, Any]] = []
        self.sets: Dict[str, Files] = {}
        self.written: Files = {}

    def directory(self, name: str, about: str, files: Files, code: Optional[str] = None, entry: Optional[int] = None, **options: Any) -> None:
        base = options.get("base")
        row = {"kind": options.get("kind", "export"), "keys": options.get("keys"), "export": None}
        row.update({"name": name, "about": about, "ok": code is None, "code": code, "entry": entry})
        self.sets[name] = files
        had = self.sets[base] if base else {}
        changed = {path: raw for path, raw in files.items() if had.get(path) != raw}
        if base:
            row["base"], row["path"] = base, None
            row["replace"] = {path: f"{name}/{path}" for path in sorted(changed)}
            row["remove"] = sorted(path for path in had if path not in files)
        else:
            row["path"] = name
        self.written.update({f"{name}/{path}": raw for path, raw in changed.items()})
        self.listed.append(row)

    def file(self, name: str, about: str, kind: str, raw: bytes, code: Optional[str] = None, entry: Optional[int] = None, **options: Any) -> None:
        folder = {"receipt": "receipts", "tlog-proof": "proofs", "decision": "decisions"}[kind]
        path = f"{folder}/{name}.{'tlog-proof' if kind == 'tlog-proof' else 'json'}"
        row = {"kind": kind, "path": path, "keys": options.get("keys"), "export": options.get("export")}
        row.update({"name": name, "about": about, "ok": code is None, "code": code, "entry": entry})
        self.written[path] = raw
        self.listed.append(row)

    def write(self, directory: Path) -> None:
        target = directory / "exports"
        shutil.rmtree(target, ignore_errors=True)
        for path, raw in self.written.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(raw)
        rows = ",\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in self.listed)
        (directory / "exports.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")


def materialize(vectors: Path, rows: Dict[str, Dict[str, Any]], name: str, target: Path) -> Path:
    """The directory of a vector: its own where it has one, else put together at `target`."""
    row = rows[name]
    if "base" not in row:
        return vectors / "exports" / row["path"]
    base = materialize(vectors, rows, row["base"], target.with_name(target.name + "-base"))
    shutil.copytree(base, target, ignore=lambda _, names: [])
    for path in row["remove"]:
        (target / path).unlink()
    for path, source in row["replace"].items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(vectors / "exports" / source, target / path)
    return target


VOTERS = [node.keys["checkpoint"] for node in (N1, N2, N3)]
GOOD_SIGNERS = [N1.keys["checkpoint"], N2_NEW]
SMALL_SIGNERS = [N1.keys["checkpoint"]]
FORGED = bytes(64)


@lru_cache
def good_files() -> Files:
    witness = EdKey("witness", "checkpoint")
    cosignature = f"\u2014 {WITNESS} {base64.b64encode(key_id(WITNESS, witness) + bytes(72)).decode()}\n"
    return export(good_log(), GOOD_SIGNERS + [N1_RSA], extra=cosignature)


def accepted_directories(vectors: Vectors) -> None:
    good = good_files()
    about = "Three voters; rotated, retired and compromised keys, an RSA line, a witness's line, erased parts, gaps that erased headers explain."
    vectors.directory("good", about, good)
    vectors.directory("good_trusted", "A key known from elsewhere is among the signers.", good, base="good", keys="good/keys.json")
    tiles_only = {path: raw for path, raw in good.items() if path != "entries.jsonl"}
    vectors.directory("tiles_only", "No entries.jsonl: headers, links, tree and one known signature.", tiles_only, base="good", kind="tiles")
    vectors.directory("older_copy", "Parts are still there although runs name them.", {**good, "entries.jsonl": lines_of(good_log(erase=False))}, base="good")
    personal = good_log(erase=False)
    personal.erase([9, 10, 15])
    vectors.directory("personal_erased", "Personal parts are gone; data is still verified.", {**good, "entries.jsonl": lines_of(personal)}, base="good")
    all_three = {**good, "checkpoint": checkpoint(good_log(), [*GOOD_SIGNERS, N3_NEW, STRANGER.keys["checkpoint"]])}
    vectors.directory("unknown_signer_ignored", "A line under the origin's name, but of no known key, is ignored.", all_three, base="good")
    beside = {"decisions/a.json": reply(good_log(), 2, N1.keys["decision"]), "receipts/a.json": receipt(good_log(), 2, 20, GOOD_SIGNERS)}
    vectors.directory("with_files", "A reply and a receipt lie beside the entries.", {**good, **beside}, base="good")
    vectors.directory("one_node", "One voter, eight entries.", export(small_log(), SMALL_SIGNERS))
    joint = trio(Log()).cut(8)
    vectors.directory("joint", "A checkpoint inside a joint configuration, signed by majorities of both sides.", export(joint, VOTERS[:2]))
    wide = export(wide_log(), SMALL_SIGNERS)
    vectors.directory("wide", "300 entries: a full tile, a partial one and a tile of level 1.", wide)
    del wide["entries.jsonl"]
    vectors.directory("wide_tiles_only", "300 entries in bundles alone.", wide, base="wide", kind="tiles")
    same_time = small_log(lambda log: log.decision("a", timestamp=stamp(7 * 1.25)))
    vectors.directory("same_time", "Two entries of one time.", export(same_time, SMALL_SIGNERS), base="one_node")
    compromised = trio(Log())
    compromised.key_added(N2, N2_NEW, replaces=N2.keys["checkpoint"])
    compromised.key_retired(N2.keys["checkpoint"], compromised=True)
    about = "A key that had been replaced turns out compromised: it ended when it was replaced."
    vectors.directory("compromised_later", about, export(compromised, GOOD_SIGNERS), base="joint")
    again = trio(Log())
    again.add("node_joined", N3.joining())
    vectors.directory("joined_again", "A node joins again under its name, with the keys it had.", export(again, VOTERS[1:]), base="joint")
    shared = small_log(shared_gap)
    shared.erase([4, 5], "all")
    vectors.directory("shared_gaps", "Gaps of two actors at once, of which each erased header explains one.", export(shared, SMALL_SIGNERS), base="one_node")


def shared_gap(log: Log) -> None:
    """Entries 4 and 5 are the second of actor a and the second of b: with them erased both actors lack a 2."""
    log.run([4, 5], "all", ranges=[{"from": 4, "to": 5}])
    log.decision("b")


def edited_lines(vectors: Vectors) -> None:
    """Lines that are not those of the checkpoint: of one_node, and of good where parts are erased."""
    good, small = ("good", good_log(), good_files()), ("one_node", small_log(), export(small_log(), SMALL_SIGNERS))

    def refuse(name: str, about: str, code: str, entry: int, edit: Callable[[List[Dict[str, Any]]], Any], of: Any = small) -> None:
        base, log, files = of
        lines = deepcopy(log.lines)
        edited = edit(lines)
        raw = edited if isinstance(edited, bytes) else b"".join(canonical(line) + b"\n" for line in edited or lines)
        vectors.directory(name, about, {**files, "entries.jsonl": raw}, code, entry, base=base)

    def text(part: str, number: int, old: str, new: str) -> Callable[[List[Dict[str, Any]]], Any]:
        def edit(lines: List[Dict[str, Any]]) -> None:
            assert old in lines[number][part]
            lines[number][part] = lines[number][part].replace(old, new)

        return edit

    other, whole, end = small_log(salted="other").lines, lines_of(small[1]), small[1].size
    refuse("cut_tail", "The last three lines are gone.", "missing", end - 3, lambda lines: lines[:-3])
    refuse("taken_out", "One line in the middle is gone.", "missing", 4, lambda lines: lines[:4] + lines[5:])
    refuse("reordered", "Two lines have changed places.", "missing", 4, lambda lines: lines[:4] + [lines[5], lines[4]] + lines[6:])
    refuse("said_twice", "One line is there twice.", "missing", 5, lambda lines: lines[:5] + lines[4:])
    refuse("beheaded", "Genesis is gone.", "missing", 0, lambda lines: lines[1:])
    refuse("spliced", "The tail is that of another ledger with the same script.", "broken_link", 5, lambda lines: lines[:5] + other[5:])
    refuse("edited_data", "An outcome was changed.", "data_hash_mismatch", 22, text("data", 22, '"allowed"', '"denied"'), good)
    refuse("edited_salt", "Two digits of a salt were changed.", "data_hash_mismatch", 2, lambda lines: lines[2].update(salt="00" + lines[2]["salt"][2:]))
    refuse("edited_personal", "A name was changed.", "personal_hash_mismatch", 2, text("personal", 2, "№ 2", "№ 3"))
    refuse("edited_personal_salt", "The salt of a personal part was changed.", "personal_hash_mismatch", 2, lambda lines: lines[2].update(personal_salt="00" * 32))
    put_in = {"personal": "{}", "personal_salt": "00" * 32}
    refuse("personal_put_in", "A personal part where the header says none.", "personal_hash_mismatch", 1, lambda lines: lines[1].update(put_in))
    refuse("edited_header", "A header's timestamp was moved within its limits.", "broken_link", 3, text("header", 2, ".623456Z", ".623457Z"))
    gone = {"data": None, "salt": None, "personal": None, "personal_salt": None}
    gone_personal = {"personal": None, "personal_salt": None}
    refuse("unrecorded_erasure", "Both parts of an entry are gone, and no run names it.", "unrecorded_erasure", 22, lambda lines: lines[22].update(gone), good)
    refuse("unrecorded_erasure_personal", "A personal part is gone, and no run names it.", "unrecorded_erasure", 2, lambda lines: lines[2].update(gone_personal))
    refuse("run_of_less", "Data is gone, and the run that names it is of part personal.", "unrecorded_erasure", 15, lambda lines: lines[15].update(gone), good)
    refuse("erased_policy", "The data of a policy is gone.", "erasure_not_allowed", 1, lambda lines: lines[1].update(gone))
    refuse("erased_genesis", "The data of genesis is gone.", "erasure_not_allowed", 0, lambda lines: lines[0].update(gone))
    refuse("erased_run", "The data of a run is gone.", "erasure_not_allowed", 20, lambda lines: lines[20].update(gone), good)
    refuse("salt_left", "Data is gone without its salt.", "malformed", 2, lambda lines: lines[2].update(data=None))
    refuse("salt_upper_case", "A salt in upper case.", "malformed", 2, lambda lines: lines[2].update(salt=lines[2]["salt"].upper()))
    refuse("header_extra_member", "A header with a tenth member.", "malformed", 2, text("header", 2, ',"format":1', ',"extra":1,"format":1'))
    refuse("header_spaced", "A header with a space.", "malformed", 2, text("header", 2, ',"format":1', ', "format":1'))
    refuse("header_leading_zero", "A header with a leading zero.", "malformed", 2, text("header", 2, '"id":2', '"id":02'))
    refuse("header_large_integer", "An id of 2^53.", "malformed", 2, text("header", 2, '"id":2', '"id":9007199254740992'))
    refuse("header_no_such_day", "A timestamp on February 30.", "malformed", 2, text("header", 2, "2027-03-04", "2027-02-30"))
    refuse("header_unknown_type", "An entry type that is none.", "malformed", 2, text("header", 2, '"decision"', '"decided"'))
    refuse("header_format_2", "A header of format 2.", "malformed", 2, text("header", 2, '"format":1', '"format":2'))
    refuse("data_spaced", "Data that is not canonical.", "malformed", 2, text("data", 2, ',"actor"', ', "actor"'))
    refuse("line_extra_member", "A line with a sixth member.", "malformed", 2, lambda lines: lines[2].update(note=1))
    refuse("line_spaced", "A line that is not canonical.", "malformed", 1, lambda lines: whole.replace(b'\n{"data":', b'\n{ "data":', 1))
    refuse("duplicate_member", "A line with a member twice.", "malformed", 0, lambda lines: whole.replace(b'{"data":', b'{"data":null,"data":', 1))
    refuse("no_last_newline", "The last line does not end.", "malformed", end - 1, lambda lines: whole[:-1])
    refuse("empty_line", "An empty line between two.", "malformed", 1, lambda lines: whole.replace(b"\n", b"\n\n", 1))
    refuse("half_a_line", "The file ends within a line.", "malformed", end - 1, lambda lines: whole[:-100])
    refuse("no_line", "The file of entries is empty.", "missing", 0, lambda lines: b"\n"[:0])


def edited_checkpoints(vectors: Vectors) -> None:
    good, log = good_files(), good_log()

    def refuse(name: str, about: str, code: str, raw: bytes, entry: Optional[int] = None, keys: Optional[str] = None) -> None:
        vectors.directory(name, about, {**good, "checkpoint": raw}, code, entry, base="good", keys=keys)

    def signed(keys: List[Any], **options: Any) -> bytes:
        return checkpoint(log, keys, **options)

    n1, end = N1.keys["checkpoint"], log.size
    refuse("checkpoint_replayed", "A final checkpoint of the ledger when it was smaller.", "checkpoint_replayed", signed(GOOD_SIGNERS, size=20), 20)
    refuse("checkpoint_ahead", "The checkpoint says one entry more.", "missing", resized(log, str(end + 1)), end)
    refuse("wrong_origin", "The checkpoint is of another log.", "wrong_origin", signed(GOOD_SIGNERS, origin=OTHER_ORIGIN), 0)
    refuse("wrong_root", "Voters signed another root.", "root_mismatch", signed(GOOD_SIGNERS, root=base64.b64encode(drawn("root")).decode()))
    refuse("too_few_signatures", "One voter of three signed.", "too_few_signatures", signed([n1]))
    refuse("same_voter_twice", "One voter signed, and its line is there twice.", "too_few_signatures", signed([n1, n1]))
    refuse("rsa_is_not_counted", "One voter signed with both its keys.", "too_few_signatures", signed([n1, N1_RSA]))
    refuse("strangers_signed", "Nobody known signed.", "too_few_signatures", signed([STRANGER.keys["checkpoint"]]))
    refuse("signed_with_another_use", "A voter signed with its key for decisions.", "too_few_signatures", signed([n1, N2.keys["export"]]))
    refuse("signed_with_retired_key", "A voter signed with the key it had replaced.", "key_not_valid_at_size", signed([n1, N2.keys["checkpoint"]]))
    refuse("signed_with_compromised_key", "A voter's signature is of a key revoked as compromised.", "key_not_valid_at_size", signed([n1, N3.keys["checkpoint"]]))
    bad = signature_line(ORIGIN, N2_NEW, FORGED)
    refuse("bad_signature", "A known key's signature does not verify.", "checkpoint_signature_invalid", signed([n1], extra=bad))
    refuse("bad_signature_beside_majority", "The same, though a majority signed.", "checkpoint_signature_invalid", signed([*GOOD_SIGNERS], extra=signature_line(ORIGIN, N3_NEW, FORGED)))
    refuse("bad_rsa_signature", "A known RSA key's signature does not verify.", "checkpoint_signature_invalid", signed(GOOD_SIGNERS, extra=signature_line(ORIGIN, N1_RSA, bytes(512))))
    refuse("short_signature", "A known key's signature is of 63 bytes.", "checkpoint_signature_invalid", signed([n1], extra=signature_line(ORIGIN, N2_NEW, bytes(63))))
    flipped = signed(GOOD_SIGNERS).replace(b"\nfeature_level 2\n", b"\nfeature_level 3\n")
    refuse("edited_note", "A line of the note was changed after signing.", "checkpoint_signature_invalid", flipped)
    refuse("membership_hash_wrong", "Voters signed a membership_hash of an earlier entry.", "membership_mismatch", signed(GOOD_SIGNERS, membership_hash=log.leaf(5).hex()))
    refuse("feature_level_wrong", "Voters signed the feature level of genesis, which was changed since.", "membership_mismatch", signed(GOOD_SIGNERS, feature_level=1))
    refuse("checkpoint_too_early", "Voters signed a time before the last entry's.", "membership_mismatch", signed(GOOD_SIGNERS, timestamp=stamp(0)))
    refuse("note_of_garbage", "The checkpoint is no note.", "malformed", bytes(range(256)))
    refuse("note_empty", "The checkpoint is an empty file.", "malformed", b"")
    note = signed(GOOD_SIGNERS)
    refuse("note_control_character", "A tab in the note.", "malformed", note.replace(b"state_hash ", b"state_hash\t"))
    refuse("note_carriage_return", "Lines end as on other systems.", "malformed", note.replace(b"\n", b"\r\n"))
    refuse("note_unsigned", "A note without signatures.", "malformed", note[: note.index(b"\n\n") + 2])
    refuse("note_no_last_newline", "The last signature does not end.", "malformed", note[:-1])
    refuse("note_loose_base64", "A signature with unused bits that are not zero.", "malformed", loosened(note))
    def more(line: str) -> bytes:
        return note + line.encode()

    witness = base64.b64encode(bytes(76)).decode()
    refuse("note_control_in_name", "A control character in the name of a witness.", "malformed", more(f"\u2014 w\x01 {witness}\n"))
    refuse("note_no_dash", "A signature line with a hyphen for the dash.", "malformed", more(f"- {WITNESS} {witness}\n"))
    refuse("note_plus_in_name", "A plus sign in the name of a witness.", "malformed", more(f"\u2014 w+1 {witness}\n"))
    refuse("note_space_in_name", "A space that is not ASCII in the name of a witness.", "malformed", more(f"\u2014 w\u20031 {witness}\n"))
    refuse("note_key_id_alone", "A signature of a witness that is a key id and nothing else.", "malformed", more(f"\u2014 {WITNESS} AAAAAA==\n"))
    refuse("note_not_utf8", "A byte that is not UTF-8 in the name of a witness.", "malformed", note + b"\xe2\x80\x94 w\xff AAAAAAA=\n")
    refuse("note_no_such_day", "Voters signed a time on February 30.", "malformed", signed(GOOD_SIGNERS, timestamp="2028-02-30T00:00:00.000000Z"))
    refuse("note_upper_case", "Voters signed a state_hash in upper case.", "malformed", signed(GOOD_SIGNERS, state_hash="AB" * 32))
    refuse("note_policy_hash_short", "Voters signed a policy_hash of 31 bytes.", "malformed", signed(GOOD_SIGNERS, policy_hash="ab" * 31))
    same = {**good, "checkpoint": signed(GOOD_SIGNERS, timestamp=log.headers[-1]["timestamp"])}
    vectors.directory("checkpoint_same_time", "The checkpoint's time is that of the last entry.", same, base="good")
    refuse("note_extension_missing", "A checkpoint without state_hash.", "malformed", note.replace(b"state_hash ", b"other_hash "))
    refuse("note_extension_more", "A checkpoint with a ninth line.", "malformed", signed(GOOD_SIGNERS, timestamp=stamp(9999) + "\nmore 1"))
    refuse("note_size_leading_zero", "A tree size with a leading zero.", "malformed", resized(log, f"0{end}"))
    refuse("note_size_zero", "A tree size of zero.", "malformed", resized(log, "0"))
    vectors.directory("trust_anchor_missing", "None of the keys known from elsewhere signed.", good, "key_unknown", None, base="good", keys="keys/stranger.json")
    stranger = Log()
    for key in STRANGER.keys.values():
        stranger.knows(0, key)
    vectors.written["keys/stranger.json"] = keys_json(stranger)
    for name, about, changes in (
        ("trust_anchor_given_up", "Whoever signed, the keys known from elsewhere were given up.", {"status": "revoked", "valid_until_index": 9}),
        ("trust_anchor_of_other_use", "The keys known from elsewhere are for tokens.", {"use": "token"}),
    ):
        listed = json.loads(keys_json(log))
        listed["keys"] = [{**row, **changes} for row in listed["keys"] if row["use"] == "checkpoint"]
        for row in listed["keys"]:
            if row["use"] == "token":
                for member in ("name", "note_key_id", "vkey"):
                    row.pop(member, None)
        vectors.written[f"keys/{name}.json"] = (json.dumps(listed) + "\n").encode()
        vectors.directory(name, about, good, "key_unknown", None, base="good", keys=f"keys/{name}.json")


def loosened(note: bytes) -> bytes:
    """68 bytes in base64 end in `=`: the digit before has two unused bits."""
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert note.endswith(b"=\n")
    return note[:-3] + digits[digits.index(note[-3:-2]) + 1 :][:1] + b"=\n"


def resized(log: Log, size: str) -> bytes:
    return checkpoint(log, GOOD_SIGNERS).replace(f"\n{log.size}\n".encode(), f"\n{size}\n".encode(), 1)


def edited_tiles_and_keys(vectors: Vectors) -> None:
    good, log = good_files(), good_log()
    tile, bundle = tile_path("0", 0, log.size), tile_path("entries", 0, log.size)
    headless = {path: raw for path, raw in good.items() if path != "entries.jsonl"}

    def flip(raw: bytes, at: int) -> bytes:
        return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]

    nodes = log.leaves()
    inner = b"".join(node_hash(nodes[at], nodes[at + 1]) for at in range(0, log.size - 1, 2))
    in_header = next(at for at in range(good[bundle].index(b'"data_hash":"') + 13, 400) if good[bundle][at : at + 1].isdigit())
    last = good[bundle].rindex(b'"data_hash":"') + 13
    in_last = next(at for at in range(last, last + 64) if good[bundle][at : at + 1].isdigit())

    def refuse(name: str, about: str, code: str, files: Files, entry: Optional[int] = None, kind: str = "export") -> None:
        vectors.directory(name, about, files, code, entry, base="good", kind=kind)

    refuse("tile_cut", "A tile was cut in half.", "malformed", {**good, tile: good[tile][: len(good[tile]) // 2]})
    refuse("tile_flipped", "One bit of a tile is another.", "tile_mismatch", {**good, tile: flip(good[tile], 100)})
    refuse("tile_of_nodes", "A tile of level 0 begins with inner nodes.", "tile_mismatch", {**good, tile: inner + good[tile][len(inner) :]})
    refuse("tile_missing", "A tile is not there.", "tile_mismatch", {path: raw for path, raw in good.items() if path != tile})
    refuse("bundle_flipped", "One bit of a bundle is another.", "tile_mismatch", {**good, bundle: flip(good[bundle], in_header)})
    refuse("bundle_cut", "A bundle was cut within an entry.", "malformed", {**good, bundle: good[bundle][:-10]})
    shorter = good[bundle][: good[bundle].rindex(b'{"actor_seq"') - 2]
    refuse("bundle_one_less", "A bundle lacks its last entry.", "malformed", {**good, bundle: shorter})
    refuse("bundle_missing", "A bundle is not there.", "tile_mismatch", {path: raw for path, raw in good.items() if path != bundle})
    refuse("tiles_only_header_flipped", "A bit of a header in a bundle is another.", "broken_link", {**headless, bundle: flip(good[bundle], in_header)}, 1, "tiles")
    refuse("tiles_only_last_flipped", "A bit of the last header in a bundle is another.", "root_mismatch", {**headless, bundle: flip(good[bundle], in_last)}, None, "tiles")
    refuse("tiles_only_tile_flipped", "A bit of a tile is another.", "tile_mismatch", {**headless, tile: flip(good[tile], 0)}, None, "tiles")
    refuse("tiles_only_bundle_missing", "A bundle is not there.", "missing", {path: raw for path, raw in headless.items() if path != bundle}, 0, "tiles")
    strangers = checkpoint(log, [STRANGER.keys["checkpoint"]])
    refuse("tiles_only_strangers", "Nobody in keys.json signed.", "too_few_signatures", {**headless, "checkpoint": strangers}, None, "tiles")
    refuse("tiles_only_retired", "Only a key that had been replaced signed.", "key_not_valid_at_size", {**headless, "checkpoint": checkpoint(log, [N2.keys["checkpoint"]])}, None, "tiles")

    def keys(edit: Callable[[Dict[str, Dict[str, Any]]], Any]) -> Files:
        changed = good_log()
        edit(changed.rows)
        return {**good, "keys.json": keys_json(changed)}

    def one_more(rows: Dict[str, Dict[str, Any]]) -> None:
        other = Log()
        other.knows(0, STRANGER.keys["checkpoint"])
        rows.update(other.rows)

    n1, n3 = N1.keys["checkpoint"].kid, N3.keys["checkpoint"].kid
    refuse("keys_one_more", "keys.json lists a key that no entry made known.", "keys_mismatch", keys(one_more))
    refuse("keys_one_less", "keys.json lacks a key.", "keys_mismatch", keys(lambda rows: rows.pop(n1)))
    refuse("keys_other_x", "keys.json has another public key under a key id.", "keys_mismatch", keys(lambda rows: rows[n1].update(x=base64url(STRANGER.keys["token"].public))))
    refuse("keys_earlier", "keys.json says a key was known earlier.", "keys_mismatch", keys(lambda rows: rows[n3].update(valid_from_index=0)))
    refuse("keys_not_revoked", "keys.json says of a compromised key that it retired.", "keys_mismatch", keys(lambda rows: rows[n3].update(status="retired")))
    listed = json.loads(good["keys.json"])
    twice = json.dumps({**listed, "keys": listed["keys"] + listed["keys"][:1]}).encode()
    refuse("keys_listed_twice", "keys.json lists a key twice.", "malformed", {**good, "keys.json": twice})
    refuse("keys_status_alone", "keys.json says retired of a key without an end.", "malformed", keys(lambda rows: rows[n1].update(status="retired")))
    refuse("keys_member_missing", "keys.json has no rsa_keys.", "malformed", {**good, "keys.json": json.dumps({"keys": listed["keys"]}).encode()})
    refuse("keys_duplicate_member", "keys.json has a member twice.", "malformed", {**good, "keys.json": good["keys.json"].replace(b'"keys": [', b'"keys": [], "keys": [', 1)})


def scripts_with_faults(vectors: Vectors) -> None:
    """Each hash and signature holds; what was written is at fault."""

    def refuse(name: str, about: str, code: str, entry: Optional[int], more: Callable[[Log], Any], erased: List[int] = [], part: str = "all") -> None:
        log = small_log(more)
        log.erase(erased, part)
        vectors.directory(name, about, export(log, SMALL_SIGNERS), code, entry, base="one_node")

    def both(*steps: Callable[[Log], Any]) -> Callable[[Log], Any]:
        return lambda log: [step(log) for step in steps]

    refuse("link_broken", "previous_hash is not that of the entry before.", "broken_link", 8, lambda log: log.decision("a", previous_hash="11" * 32))
    refuse("type_seq_gap", "type_seq leaves one out.", "sequence_gap", 8, lambda log: log.decision("a", type_seq=7))
    refuse("type_seq_again", "type_seq is there twice.", "sequence_gap", 8, lambda log: log.decision("a", type_seq=5))
    refuse("time_back", "The timestamp goes back.", "sequence_gap", 8, lambda log: log.decision("a", timestamp=stamp(0)))
    refuse("second_genesis", "A second genesis.", "sequence_gap", 8, lambda log: log.genesis())
    refuse("actor_seq_gap", "actor_seq leaves one out, and nothing is erased.", "sequence_gap", 8, lambda log: log.decision("a", actor_seq=5))
    refuse("actor_seq_again", "actor_seq is there twice.", "sequence_gap", 8, lambda log: log.decision("a", actor_seq=3))
    refuse("actor_seq_of_nobody", "actor_seq of an entry about nobody.", "sequence_gap", 8, lambda log: log.add("backup_created", {}, actor_seq=1))

    def two_gaps_one_header(log: Log) -> None:
        log.run([4], "all")
        log.decision("c", actor_seq=1)
        log.decision("c", actor_seq=3)

    refuse("gap_shared", "Two actors lack the same number, and one erased header has it.", "sequence_gap", 10, two_gaps_one_header, [4])
    late = both(lambda log: log.decision("a", actor_seq=5), lambda log: log.decision("d", actor_seq=4), lambda log: log.run([9], "all"))
    refuse("gap_explained_late", "The erased header that would explain the gap comes after it.", "sequence_gap", 8, late, [9])
    refuse("run_names_itself", "A run names itself.", "malformed", 8, lambda log: log.run([8]))
    refuse("run_names_later", "A run names an entry that is not there yet.", "malformed", 8, both(lambda log: log.run([9]), lambda log: log.decision("a")))
    refuse("run_descending", "The ranges of a run descend.", "malformed", 8, lambda log: log.run([6, 5]))
    refuse("run_overlapping", "The ranges of a run overlap.", "malformed", 8, lambda log: log.run([], ranges=[{"from": 2, "to": 4}, {"from": 4, "to": 5}]))
    refuse("run_unknown_part", "A run of a part that is none.", "malformed", 8, lambda log: log.run([5], "some"))
    refuse("run_names_policy", "A run names a policy, whose parts are still there.", "erasure_not_allowed", 8, lambda log: log.run([1]))
    refuse("run_over_genesis", "A run's range covers genesis.", "erasure_not_allowed", 8, lambda log: log.run([], ranges=[{"from": 0, "to": 2}]))
    refuse("run_after_erasure_of_policy", "A policy's data is gone, and a run names it.", "erasure_not_allowed", 1, lambda log: log.run([1], "all"), [1])
    refuse("kid_of_two_keys", "A key id is given to a second key.", "malformed", 8, lambda log: log.add("key_added", {"key": {**N2_NEW.member(), "kid": N1.keys["token"].kid}, "node_id": "n1", "raft_id": 1, "replaces": None}))
    def adding(**members: Any) -> Callable[[Log], Any]:
        return lambda log: log.add("key_added", {"key": members, "node_id": "n1", "raft_id": 1, "replaces": None})

    new, rsa = N2_NEW.member(), N1_RSA.member()
    half = base64url(N1_RSA.n.to_bytes(512, "big")[-256:-1] + b"\x01")
    refuse("key_id_lower_case", "A key id in lower case.", "malformed", 8, adding(**{**new, "kid": new["kid"].lower()}))
    refuse("key_short", "A public key of 31 bytes.", "malformed", 8, adding(**{**new, "x": base64url(bytes(31))}))
    refuse("key_unknown_use", "A key of a use that is none.", "malformed", 8, adding(**{**new, "use": "everything"}))
    refuse("key_extra_member", "A key with a fourth member.", "malformed", 8, adding(**new, alg="Ed25519"))
    refuse("rsa_key_small", "An RSA key of fewer than 4096 bits.", "malformed", 8, adding(**{**rsa, "n": half}))
    refuse("rsa_key_other_use", "An RSA key for decisions.", "malformed", 8, adding(**{**rsa, "use": "decision"}))
    padded = base64url(bytes(1) + N1_RSA.n.to_bytes(512, "big"))
    refuse("rsa_key_padded", "An RSA key whose modulus has a leading zero.", "malformed", 8, adding(**{**rsa, "n": padded}))
    no_replaces = {"key": new, "node_id": "n1", "raft_id": 1}
    refuse("replaces_missing", "A key_added that does not say whether it replaces one.", "malformed", 8, lambda log: log.add("key_added", no_replaces))
    refuse("outgoing_missing", "A membership that does not say whether it is joint.", "malformed", 8, lambda log: log.add("membership_changed", {"voters": [N1.voter()]}))
    refuse("voter_twice", "A membership that names a voter twice.", "malformed", 8, lambda log: log.members([N1, N1]))
    refuse("data_no_object", "Data that is a list.", "malformed", 8, lambda log: log.add("config_changed", []))
    nameless = Log(origin="lexecon.local")
    nameless.genesis()
    vectors.directory("origin_without_cluster", "An origin that names no cluster.", export(nameless, SMALL_SIGNERS), "malformed", 0, base="one_node")
    refuse("retired_unknown_key", "A key ends that was never known.", "malformed", 8, lambda log: log.add("key_retired", {"compromised": False, "kid": N2_NEW.kid}))
    refuse("no_voters", "A membership without voters.", "malformed", 8, lambda log: log.members([]))

    def whole_and_part(log: Log) -> None:
        log.decision("a", actor_seq=9)
        log.decision("b")

    refuse("gap_before_erasure", "A gap and an erasure that no run names: the gap is named, though its id is higher.", "sequence_gap", 8, lambda log: log.decision("a", actor_seq=9), [4])
    two = small_log(whole_and_part)
    two.lines[9]["salt"] = "00" * 32
    vectors.directory("edit_before_gap", "A gap, and after it an edit: the edit is named, for gaps are told at the end.", export(two, SMALL_SIGNERS), "data_hash_mismatch", 9, base="one_node")
    headless = Log()
    headless.add("config_changed", {"by": "user_ops", "key": "retention_days"})
    headless.knows(0, VOTERS[0])
    files = export(headless, SMALL_SIGNERS, membership_hash="00" * 32)
    vectors.directory("no_genesis", "The first entry is no genesis.", files, "sequence_gap", 0, base="one_node")

    def refuse_three(name: str, about: str, code: str, signers: List[Any], more: Callable[[Log], Any]) -> None:
        log = trio(Log())
        more(log)
        vectors.directory(name, about, export(log, signers), code, None, base="joint")

    joint = trio(Log()).cut(8)
    vectors.directory("joint_incoming_only", "In a joint configuration, a majority of the incoming voters alone.", export(joint, [VOTERS[0], VOTERS[2]]), "too_few_signatures", None, base="joint")
    leaving = lambda log: log.members([N3], [N1, N2, N3])
    refuse_three("joint_outgoing_only", "In a joint configuration, a majority of the outgoing voters alone.", "too_few_signatures", VOTERS[:2], leaving)
    n1_more = EdKey("n1 checkpoint more", "checkpoint")
    refuse_three("one_voter_two_keys", "One voter signed with two keys that count.", "too_few_signatures", [VOTERS[0], n1_more], lambda log: log.key_added(N1, n1_more))

    def take_over(log: Log) -> None:
        log.join(Node("n3", 4))
        for key in N3.keys.values():
            log.ends(log.size - 1, key)

    refuse_three("name_taken_over", "A voter signed with a key that ended when another node took its name.", "key_not_valid_at_size", [VOTERS[0], VOTERS[2]], take_over)


def receipts_and_proofs(vectors: Vectors) -> None:
    log, keys, ex = good_log(), "good/keys.json", "good"
    full = good_log(erase=False)
    early = VOTERS[:2]
    fork = full.cut(12)
    for actor in "pqr":
        fork.decision(actor)

    def both(name: str, about: str, raw: bytes, code: Optional[str] = None, entry: Optional[int] = 2, **options: Any) -> None:
        vectors.file(name, about, "receipt", raw, code, entry if code else None, **options)

    both("receipt", "Both parts, nothing to compare with.", receipt(log, 2, 20, GOOD_SIGNERS))
    both("receipt_with_keys", "The same, with keys known from elsewhere.", receipt(log, 2, 20, GOOD_SIGNERS), keys=keys)
    both("receipt_with_export", "The same, with the ledger at hand.", receipt(log, 2, 20, GOOD_SIGNERS), export=ex)
    both("receipt_undisclosed", "A receipt that shows neither part.", receipt(log, 2, 20, GOOD_SIGNERS, disclosed=False), export=ex)
    both("receipt_older_copy", "A receipt from before the parts were erased.", receipt(full, 12, 14, early), export=ex)
    both("receipt_of_rotated_key", "The checkpoint is signed with a key that ended later.", receipt(log, 2, 16, early), export=ex)
    both("receipt_of_one_signer", "With keys from elsewhere one signature does.", receipt(log, 2, 20, GOOD_SIGNERS[:1]), keys=keys)
    both("receipt_of_genesis", "The first entry of a tree of one.", receipt(log, 0, 1, VOTERS[:1]), export=ex)

    both("receipt_in_joint", "A joint configuration at that size, and both sides.", receipt(log, 2, 8, early), export=ex)
    both("receipt_before_level", "The change of the feature level is the first entry that the checkpoint does not cover.", receipt(log, 2, 27, GOOD_SIGNERS), export=ex)
    both("receipt_after_level", "It is the last one that the checkpoint covers.", receipt(log, 2, 28, GOOD_SIGNERS), export=ex)
    both("receipt_of_wide", "A proof of nine hashes at the edge of a tree of 300.", receipt(wide_log(), 255, 300, SMALL_SIGNERS), export="wide")
    both("receipt_of_wide_last", "The last entry: fewer hashes than levels.", receipt(wide_log(), 299, 300, SMALL_SIGNERS), export="wide")

    value = json.loads(receipt(log, 2, 20, GOOD_SIGNERS))
    hashes_ = value["hashes"]

    def edited(**members: Any) -> bytes:
        return receipt(log, 2, 20, GOOD_SIGNERS, **members)

    both("receipt_edited_data", "Data was changed.", edited(data={**value["data"], "outcome": "denied"}), "data_hash_mismatch")
    both("receipt_edited_personal", "The personal part was changed.", edited(personal={}), "personal_hash_mismatch")
    both("receipt_hash_flipped", "A hash of the proof is another.", edited(hashes=[hashes_[0], "00" * 32, *hashes_[2:]]), "inclusion_failed")
    both("receipt_proof_too_long", "The proof has a hash more.", edited(hashes=hashes_ + ["00" * 32]), "inclusion_failed")
    both("receipt_proof_too_short", "The proof lacks its last hash.", edited(hashes=hashes_[:-1]), "inclusion_failed")
    nodes = log.leaves(20)
    inner = node_hash(nodes[2], nodes[3]).hex()
    both("receipt_inner_node", "An inner node is offered as the leaf.", edited(leaf_hash=inner, hashes=hashes_[1:]), "hash_mismatch")
    both("receipt_other_root", "The receipt's root is not that of its checkpoint.", edited(root_hash="00" * 32), "inclusion_failed")
    both("receipt_other_size", "The receipt's size is not that of its checkpoint.", edited(tree_size=19), "inclusion_failed")
    both("receipt_other_index", "The leaf index is not the entry.", edited(leaf_index=3), "malformed", None)
    both("receipt_salt_left", "A salt without its part.", edited(data=None), "malformed", None)
    both("receipt_extra_member", "A member that receipts do not have.", edited(note="x"), "malformed", None)
    twice = receipt(log, 2, 20, GOOD_SIGNERS).replace(b'"entry_id": 2,', b'"entry_id": 2, "entry_id": 2,')
    both("receipt_duplicate_member", "A member is there twice.", twice, "malformed", None)
    both("receipt_no_object", "A list.", b"[]\n", "malformed", None)
    both("receipt_no_checkpoint", "There was no final checkpoint yet.", edited(checkpoint=None), "malformed", None)
    both("receipt_bad_signature", "A known key's signature does not verify.", edited(checkpoint=checkpoint(log, GOOD_SIGNERS[:1], 20, extra=signature_line(ORIGIN, N2_NEW, FORGED)).decode()), "checkpoint_signature_invalid", keys=keys)
    both("receipt_key_unknown", "None of the given keys signed.", receipt(log, 2, 20, GOOD_SIGNERS), "key_unknown", keys="keys/stranger.json")
    both("receipt_key_not_yet_valid_keys", "Only a key that became known later signed.", receipt(log, 2, 14, [N2_NEW]), "key_not_valid_at_size", keys=keys)
    both("receipt_key_not_yet_valid", "A voter signed with a key that became known later.", receipt(log, 2, 14, [VOTERS[0], N2_NEW]), "key_not_valid_at_size", export=ex)
    both("receipt_key_made_known_at_size", "The key's entry is the first one that the checkpoint does not cover.", receipt(log, 2, 16, [VOTERS[0], N2_NEW]), "key_not_valid_at_size", export=ex)
    both("receipt_key_ended_below_size", "The key's end is the last entry that the checkpoint covers.", receipt(log, 2, 17, early), "key_not_valid_at_size", export=ex)
    both("receipt_key_compromised", "A voter's key was revoked as compromised after it signed.", receipt(log, 2, 14, [VOTERS[0], VOTERS[2]]), "key_not_valid_at_size", export=ex)
    both("receipt_too_few", "With the ledger at hand one signature does not do.", receipt(log, 2, 20, GOOD_SIGNERS[:1]), "too_few_signatures", export=ex)
    both("receipt_of_joint_side", "A joint configuration at that size, and one side alone.", receipt(log, 2, 8, [VOTERS[0], VOTERS[2]]), "too_few_signatures", export=ex)
    both("receipt_of_other_ledger", "An entry of another ledger with the same script and voters.", receipt(good_log(salted="other"), 2, 3, VOTERS[:1]), "membership_mismatch", export=ex)
    both("receipt_of_forged_entry", "An entry that a fork has and the ledger has not.", receipt(fork, 12, 14, early), "hash_mismatch", 12, export=ex)
    both("receipt_of_fork", "Voters signed a fork; its proof holds, and its tree is another.", receipt(fork, 2, 14, early), "consistency_failed", export=ex)
    longer = good_log()
    longer.decision("ai_agent:triage")
    both("receipt_of_larger_tree", "The receipt's tree is larger than the export.", receipt(longer, 2, longer.size, GOOD_SIGNERS), "consistency_failed", export=ex)
    both("receipt_wrong_origin", "The checkpoint is of another log.", edited(checkpoint=checkpoint(log, GOOD_SIGNERS, 20, origin=OTHER_ORIGIN).decode()), "wrong_origin", export=ex)

    def proof(name: str, about: str, raw: bytes, code: Optional[str] = None, entry: Optional[int] = None, **options: Any) -> None:
        vectors.file(name, about, "tlog-proof", raw, code, entry, **(options or {"keys": keys}))

    path = inclusion(nodes, 2)
    proof("proof", "A proof, with keys known from elsewhere.", tlog_proof(log, 2, 20, GOOD_SIGNERS))
    proof("proof_with_export", "A proof, with the ledger at hand.", tlog_proof(log, 13, 20, GOOD_SIGNERS), export=ex)
    proof("proof_of_genesis", "A tree of one: no hashes.", tlog_proof(log, 0, 1, VOTERS[:1]))
    proof("proof_hash_flipped", "A hash of the proof is another.", tlog_proof(log, 2, 20, GOOD_SIGNERS, path=[path[0], bytes(32), *path[2:]]), "inclusion_failed", 2)
    proof("proof_too_long", "The proof has a hash more.", tlog_proof(log, 2, 20, GOOD_SIGNERS, path=path + [bytes(32)]), "inclusion_failed", 2)
    proof("proof_too_short", "The proof lacks its last hash.", tlog_proof(log, 2, 20, GOOD_SIGNERS, path=path[:-1]), "inclusion_failed", 2)
    proof("proof_inner_node", "Two leaves are offered as the bytes of a header.", tlog_proof(log, 2, 20, GOOD_SIGNERS, header=nodes[2] + nodes[3], path=path[1:]), "malformed")
    proof("proof_other_index", "The index is not the header's id.", tlog_proof(log, 2, 20, GOOD_SIGNERS, index=3), "malformed")
    proof("proof_short_hash", "A hash of 31 bytes.", tlog_proof(log, 2, 20, GOOD_SIGNERS, path=[bytes(31), *path[1:]]), "malformed")
    extra = tlog_proof(log, 2, 20, GOOD_SIGNERS)
    proof("proof_not_ascii", "A line that is not ASCII among the hashes.", extra.replace(b"\nindex 2\n", "\nindex 2\né\n".encode(), 1), "malformed")
    proof("proof_without_header", "A proof without its extra line.", b"\n".join(line for line in extra.split(b"\n") if not line.startswith(b"extra")), "malformed")
    proof("proof_other_version", "A first line of another version.", tlog_proof(log, 2, 20, GOOD_SIGNERS).replace(b"@v1", b"@v2", 1), "malformed")
    proof("proof_key_unknown", "None of the given keys signed.", tlog_proof(log, 2, 20, GOOD_SIGNERS), "key_unknown", 2, keys="keys/stranger.json")
    proof("proof_of_fork", "Voters signed a fork.", tlog_proof(fork, 2, 14, early), "consistency_failed", 2, export=ex)


def replies(vectors: Vectors) -> None:
    log, keys, ex = good_log(), "good/keys.json", "good"
    n1, n1_token = N1.keys["decision"], N1.keys["token"]

    def decision(name: str, about: str, raw: bytes, code: Optional[str] = None, entry: Optional[int] = 2, **options: Any) -> None:
        vectors.file(name, about, "decision", raw, code, entry if code else None, **(options or {"export": ex}))

    decision("decision", "A reply, with the ledger at hand.", reply(log, 2, n1))
    decision("decision_with_keys", "A reply, with keys known from elsewhere.", reply(log, 2, n1), keys=keys)
    decision("decision_with_token", "A reply that carries a capability token.", reply(log, 2, n1, n1_token))
    decision("decision_other_node", "`node` is not signed: who answers for another is not told by it.", reply(log, 2, n1, node="n7"))
    decision("decision_batch", "Signed together with two others.", batch_reply(log, 11, n1))
    decision("old_entry_new_key", "An old entry, signed with the key of a node that joined later.", reply(log, 2, N3.keys["decision"]))
    decision("old_entry_retired_key", "An entry from before the key retired.", reply(log, 17, N3.keys["decision"]))
    decision("decision_retired_key", "The key had retired before the entry.", reply(log, 22, N3.keys["decision"]), "key_not_valid_at_index", 22)
    retired_at = log.rows[N3.keys["decision"].kid]["valid_until_index"]
    decision("decision_at_the_end", "The entry is the one that ended the key.", reply(log, retired_at, N3.keys["decision"]), "key_not_valid_at_index", retired_at)
    decision("decision_compromised_key", "The key was revoked as compromised, long after.", reply(log, 10, N2.keys["decision"]), "key_not_valid_at_index", 10)
    decision("decision_compromised_key_keys", "The same told by keys.json.", reply(log, 10, N2.keys["decision"]), "key_not_valid_at_index", 10, keys=keys)
    decision("decision_unknown_key", "Nobody knows the key.", reply(log, 2, STRANGER.keys["decision"]), "key_unknown")
    decision("decision_key_of_other_use", "Signed with a key for tokens.", reply(log, 2, n1_token), "key_unknown")
    decision("decision_edited", "The outcome was changed.", reply(log, 2, n1, outcome="denied"), "signature_invalid")
    decision("decision_more_members", "A member was put in.", reply(log, 2, n1, dry_run=False), "signature_invalid")
    decision("decision_other_hash", "The hash is that of another entry.", reply(log, 2, n1, ledger_entry_hash=log.leaf(9).hex()), "hash_mismatch")
    longer = good_log()
    ahead = longer.decision("ai_agent:triage")
    decision("decision_ahead", "The entry is not in the ledger yet.", reply(longer, ahead, n1), "hash_mismatch", ahead)
    decision("decision_unsigned", "There is no signature.", reply(log, 2, n1, signature=None), "malformed", None)
    short = {"algorithm": "Ed25519", "key_id": n1.kid, "value": base64url(bytes(63))}
    decision("decision_short_signature", "A signature of 63 bytes.", reply(log, 2, n1, signature=short), "malformed", None)
    value = json.loads(reply(log, 2, n1))["signature"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    loose = value["value"][:-1] + letters[letters.index(value["value"][-1]) + 1]
    decision("decision_loose_base64", "A signature with unused bits that are not zero.", reply(log, 2, n1, signature={**value, "value": loose}), "malformed", None)
    decision("decision_padded_base64", "A signature in base64url with padding.", reply(log, 2, n1, signature={**value, "value": value["value"] + "=="}), "malformed", None)
    decision("decision_other_algorithm", "An algorithm that is none.", reply(log, 2, n1, signature={**short, "algorithm": "none", "value": base64url(FORGED)}), "malformed", None)
    decision("decision_batch_flipped", "A hash of the batch's path is another.", batch_reply(log, 11, n1, lambda path: [bytes(32), *path[1:]]), "signature_invalid", 11)
    decision("decision_batch_too_long", "The batch's path has a hash more.", batch_reply(log, 11, n1, lambda path: path + [bytes(32)]), "signature_invalid", 11)
    forged = token(log, 2, STRANGER.keys["token"])
    decision("token_unknown_key", "The token is of a key nobody knows.", reply(log, 2, n1, capability_token=forged), "key_unknown")
    good_token = token(log, 2, n1_token)
    decision("token_key_of_other_use", "The token is signed with a key for decisions.", reply(log, 2, n1, n1), "key_unknown")
    tampered = good_token[:-86] + base64url(FORGED)
    decision("token_bad_signature", "The token's signature does not verify.", reply(log, 2, n1, capability_token=tampered), "signature_invalid")
    decision("token_other_prefix", "The token begins otherwise.", reply(log, 2, n1, capability_token="cup" + good_token[3:]), "malformed", None)
    decision("token_cut", "The token was cut.", reply(log, 2, n1, capability_token=good_token[:-1]), "malformed", None)
    bad = {"decisions/a.json": reply(log, 2, n1, outcome="denied")}
    vectors.directory("with_bad_reply", "A reply that was changed lies beside the entries.", {**good_files(), **bad}, "signature_invalid", 2, base="good")
    bad = {"receipts/a.json": receipt(log, 2, 20, GOOD_SIGNERS[:1])}
    vectors.directory("with_bad_receipt", "A receipt whose checkpoint is not final lies beside the entries.", {**good_files(), **bad}, "too_few_signatures", 2, base="good")


def all_vectors() -> Vectors:
    vectors = Vectors()
    for part in (accepted_directories, edited_lines, edited_checkpoints, edited_tiles_and_keys, scripts_with_faults, receipts_and_proofs, replies):
        part(vectors)
    return vectors


def main() -> int:
    all_vectors().write(Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
