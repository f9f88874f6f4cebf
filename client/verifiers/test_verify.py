"""Holds verify.py to the vectors, and its parts to their standards. Run: python3 -m unittest discover client/verifiers"""

import contextlib
import io
import json
import random
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import packages  # noqa: E402
import vectors  # noqa: E402
import verify  # noqa: E402

EXPORTS = vectors.VECTORS / "exports"
ROWS: Dict[str, Dict[str, Any]] = {
    row["name"]: row for row in json.loads((vectors.VECTORS / "exports.json").read_text("utf-8"))
}


def run(*arguments: str) -> Tuple[int, str]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            status = verify.main(list(arguments))
        except SystemExit as stop:
            status = int(stop.code or 0)
    return status, printed.getvalue()


class Vectors(unittest.TestCase):
    def check(self, row: Dict[str, Any], scratch: Path) -> None:
        is_directory = row["kind"] in ("export", "tiles")
        path = (
            vectors.materialize(vectors.VECTORS, ROWS, row["name"], scratch / row["name"])
            if is_directory
            else EXPORTS / row["path"]
        )
        options = [f"--{name}={EXPORTS / row[name]}" for name in ("keys", "export") if row[name]]
        status, printed = run(str(path), "--json", *options)
        report = json.loads(printed)
        expected = {"ok": row["ok"], "code": row["code"], "status": 0 if row["ok"] else 1}
        found = {"ok": report["ok"], "code": report.get("code"), "status": status}
        if not row["ok"]:
            expected["entry"], found["entry"] = row["entry"], report["entry"]
        self.assertEqual(expected, found, report)

    def test_each_vector_gets_its_verdict(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for name, row in ROWS.items():
                with self.subTest(name):
                    self.check(row, Path(scratch))

    def test_every_reason_code_has_a_vector(self) -> None:
        document = (vectors.VECTORS.parents[1] / "README.md").read_text("utf-8")
        table = document.split("| code | fault |")[1].split("\n\n")[0]
        codes = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
        self.assertEqual(codes, {row["code"] for row in ROWS.values() if row["code"]})

    def test_the_generator_writes_what_is_checked_in(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            made = vectors.all_vectors()
            made.write(Path(scratch))
            self.assertEqual(
                (Path(scratch) / "exports.json").read_bytes(), (vectors.VECTORS / "exports.json").read_bytes()
            )
            found = {str(path.relative_to(EXPORTS)): path.read_bytes() for path in EXPORTS.rglob("*") if path.is_file()}
            self.assertEqual(sorted(made.written), sorted(found))
            for path, raw in made.written.items():
                self.assertEqual(raw, found[path], path)


class Packages(unittest.TestCase):
    """The small package, whole and in every way broken."""

    def setUp(self) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.files = packages.with_manifest(packages.fixture().package())

    def verdict_of_zip(self, raw: bytes) -> Tuple[int, Any, Any]:
        path = Path(self.scratch.name) / "package.zip"
        path.write_bytes(raw)
        status, printed = run(str(path), "--json")
        report = json.loads(printed)
        return status, report.get("code"), report.get("path")

    def verdict_of_folder(self, files: Dict[str, bytes]) -> Tuple[int, Any, Any]:
        with tempfile.TemporaryDirectory() as folder:
            for name, raw in files.items():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / name).write_bytes(raw)
            status, printed = run(folder, "--json")
        report = json.loads(printed)
        return status, report.get("code"), report.get("path")

    def test_the_generator_writes_what_is_checked_in(self) -> None:
        fixture = packages.FIXTURE
        found = {path.relative_to(fixture).as_posix(): path.read_bytes() for path in fixture.rglob("*") if path.is_file()}
        self.assertEqual(packages.fixture().files(), found)

    def test_it_holds_as_an_archive_and_as_a_folder(self) -> None:
        self.assertEqual((0, None, None), self.verdict_of_zip(packages.archive(self.files)))
        self.assertEqual((0, None, None), self.verdict_of_folder(self.files))

    def test_it_holds_without_environment_in_another_directory(self) -> None:
        path = Path(self.scratch.name) / "package.zip"
        path.write_bytes(packages.archive(self.files))
        script = Path(verify.__file__).resolve()
        environment = {"PATH": os.environ.get("PATH", "")}
        ran = subprocess.run(
            ["python3", str(script), path.name], cwd=self.scratch.name, env=environment, capture_output=True
        )
        self.assertEqual((0, b""), (ran.returncode, ran.stderr))
        self.assertIn(b"records: decisions 2, ", ran.stdout)

    def test_a_flipped_bit_in_any_file_is_named_by_its_path(self) -> None:
        for name, raw in self.files.items():
            if name == verify.MANIFEST:
                continue
            for at in (0, len(raw) // 2, len(raw) - 1):
                with self.subTest(name, at=at):
                    flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
                    expected = (1, "file_changed", name)
                    self.assertEqual(expected, self.verdict_of_folder({**self.files, name: flipped}))
                    changed = packages.archive({**self.files, name: flipped})
                    self.assertEqual(expected, self.verdict_of_zip(changed))

    def test_a_byte_flipped_under_the_archive_s_checksum_is_named(self) -> None:
        raw = packages.archive(self.files)
        at = raw.index(b"compliance.json") + 30
        flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        self.assertEqual((1, "file_changed", "compliance.json"), self.verdict_of_zip(flipped))

    def test_files_taken_out_and_put_in_are_named(self) -> None:
        for name in self.files:
            less = {path: raw for path, raw in self.files.items() if path != name}
            with self.subTest(name):
                self.assertEqual((1, "file_missing", name), self.verdict_of_folder(less))
                self.assertEqual((1, "file_missing", name), self.verdict_of_zip(packages.archive(less)))
        more = {**self.files, "records/more.txt": b"x"}
        self.assertEqual((1, "file_added", "records/more.txt"), self.verdict_of_folder(more))

    def test_a_manifest_of_another_package_names_the_first_file_that_differs(self) -> None:
        other = packages.with_manifest({**self.files, "compliance.json": b"{}"})
        swapped = {**self.files, verify.MANIFEST: other[verify.MANIFEST]}
        self.assertEqual((1, "file_changed", "compliance.json"), self.verdict_of_folder(swapped))
        for raw in (b"[]", b"{", b'{"../x":{"sha256":"00","size":1}}', b'{"x":{"size":1}}'):
            broken = {**self.files, verify.MANIFEST: raw}
            self.assertEqual((1, "manifest_malformed", verify.MANIFEST), self.verdict_of_folder(broken))

    def test_records_that_say_something_else_are_found_though_the_manifest_agrees(self) -> None:
        cases = [
            ("decisions", '"outcome":"denied"', '"outcome":"allowed"', "record_mismatch"),
            ("decisions", '"decision_id":"dec_', '"decision_id":"dec_0', "record_mismatch"),
            ("decisions", '"ledger_entry_hash":"', '"ledger_entry_hash":"0', "record_mismatch"),
            ("decisions", '"ledger_entry_id":3', '"ledger_entry_id":4', "record_missing"),
            ("risks", '"overall_score":51', '"overall_score":15', "record_mismatch"),
            ("overrides", "by hand", "by nobody", "record_mismatch"),
            ("interventions", '"ledger_entry_id":9', '"ledger_entry_id":99', "record_missing"),
            ("policies", '"mode":"strict","name"', '"mode":"permissive","name"', "record_mismatch"),
            ("responsibility", '"ledger_entry_id":2', '"ledger_entry_id":1', "record_unfounded"),
            ("evidence", "{", "[", "record_malformed"),
            ("decisions", '"timestamp":"2027', '"timestamp":"2028', "record_mismatch"),
            ("decisions", '"risk_id":"rsk_', '"risk_id":"rsk_0', "record_mismatch"),
            ("decisions", '"action":"read_claim",', "", "record_mismatch"),
            ("decisions", '"resource":null', '"resource":"x"', "record_mismatch"),
            ("risks", '"overall_score":85', '"overall_score":1', "record_mismatch"),
            ("risks", '"risk_id":"rsk_', '"risk_id":"dec_', "record_mismatch"),
            ("escalations", '"escalation_id":"esc_', '"escalation_id":"esc_0', "record_mismatch"),
            ("evidence", '"artifact_id":"evd_', '"artifact_id":"evd_0', "record_mismatch"),
            ("responsibility", '"record_id":"resp_', '"record_id":"resp_0', "record_mismatch"),
            ("responsibility", '"reasoning":"', '"reasoning":"x', "record_mismatch"),
        ]
        for kind, old, new, code in cases:
            name = f"records/{kind}.ndjson"
            text = self.files[name].decode()
            self.assertIn(old, text)
            forged = packages.with_manifest({**self.files, name: text.replace(old, new, 1).encode()})
            with self.subTest(old):
                self.assertEqual((1, code, name), self.verdict_of_folder(forged))

    def test_records_left_out_are_missed_though_the_manifest_agrees(self) -> None:
        # Of risks, escalations, evidence and responsibility the first is made by an entry about something else.
        for kind in packages.KINDS:
            name = f"records/{kind}.ndjson"
            less = packages.with_manifest({**self.files, name: self.files[name].split(b"\n", 1)[1]})
            with self.subTest(kind):
                self.assertEqual((1, "record_missing", name), self.verdict_of_folder(less))

    def test_a_record_that_is_there_twice_is_found_though_counts_agree(self) -> None:
        name = "records/interventions.ndjson"
        counted = self.files["export.json"].replace(b'"interventions":1', b'"interventions":2')
        twice = packages.with_manifest({**self.files, name: 2 * self.files[name], "export.json": counted})
        self.assertEqual((1, "record_malformed", name), self.verdict_of_folder(twice))

    def test_an_invented_record_is_found_though_counts_agree(self) -> None:
        name = "records/risks.ndjson"
        first, second = self.files[name].splitlines(keepends=True)
        # The first decision, entry 2, names no risk.
        invented = first.replace(b'"ledger_entry_id":3', b'"ledger_entry_id":2')
        counted = self.files["export.json"].replace(b'"risks":2', b'"risks":3')
        forged = packages.with_manifest({**self.files, name: invented + first + second, "export.json": counted})
        self.assertEqual((1, "record_unfounded", name), self.verdict_of_folder(forged))

    def test_nothing_may_be_said_of_what_is_erased(self) -> None:
        name = "records/decisions.ndjson"
        for part, code in (("all", "record_unfounded"), ("personal", "record_mismatch")):
            files = packages.with_manifest(packages.erased(part).package())
            with self.subTest(part):
                self.assertEqual((1, code, name), self.verdict_of_folder(files))
        first, second = files[name].splitlines(keepends=True)
        record = json.loads(first)
        for member in ("context", "context_hash", "user_intent"):
            record[member] = None
        files[name] = verify.canonical(record) + b"\n" + second
        self.assertEqual((0, None, None), self.verdict_of_folder(packages.with_manifest(files)))

    def test_what_is_withheld_is_no_lie(self) -> None:
        name = "records/evidence.ndjson"
        text = re.sub(rb'"sha256_hash":"[0-9a-f]+"', b'"sha256_hash":null', self.files[name])
        less = packages.with_manifest({**self.files, name: text.replace(b'"size_bytes":16', b'"size_bytes":null')})
        self.assertEqual((0, None, None), self.verdict_of_folder(less))

    def test_a_scope_has_its_records_and_no_others(self) -> None:
        for scope, code, path in [
            ("everything", "export_malformed", "export.json"),
            ("decision_log_only", "export_malformed", "records/escalations.ndjson"),
        ]:
            about = self.files["export.json"].replace(b'"scope":"all"', f'"scope":"{scope}"'.encode())
            other = packages.with_manifest({**self.files, "export.json": about})
            self.assertEqual((1, code, path), self.verdict_of_folder(other))

        counted = self.files["export.json"].replace(b'"responsibility":3', b'"responsibility":4')
        wrong = packages.with_manifest({**self.files, "export.json": counted})
        self.assertEqual((1, "export_malformed", "export.json"), self.verdict_of_folder(wrong))

    def test_a_ledger_that_does_not_hold_is_found_though_the_manifest_agrees(self) -> None:
        name = "ledger/entries.jsonl"
        forged = packages.with_manifest({**self.files, name: self.files[name].replace(b"read_claim", b"pay_claims", 1)})
        self.assertEqual((1, "data_hash_mismatch", name), self.verdict_of_folder(forged))

    def test_names_that_lead_outside_or_occur_twice_are_refused(self) -> None:
        for name in ("../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:evil", "./a", ""):
            with self.subTest(name):
                verdict = self.verdict_of_zip(packages.archive({name: b"x"}))
                self.assertEqual((1, "path_refused", name), verdict)
        for members in ([("a", b"x"), ("a", b"y")], [("a", b"x"), ("a-b", b"y"), ("a/b", b"z")]):
            verdict = self.verdict_of_zip(packages.archive_of(members))
            self.assertEqual((1, "path_refused", members[-1][0]), verdict)
        self.assertEqual(["package.zip"], os.listdir(self.scratch.name))

    def test_an_archive_of_another_form_is_refused_whatever_tools_make_of_it(self) -> None:
        raw = packages.archive(self.files)
        others = {
            "prefix": b"x" + raw,
            "rest": raw + b"x",
            "comment": raw[:-2] + b"\x01\x00x",
            "cut": raw[:-1],
            "mode": raw.replace(b"\x00\x00\xa4\x81", b"\x00\x00\xed\x89", 1),
            "other": self.zipped(zipfile.ZIP_STORED),
        }
        for name, other in others.items():
            with self.subTest(name):
                self.assertNotEqual(raw, other)
                self.assertEqual((1, "archive_malformed"), self.verdict_of_zip(other)[:2])
        unordered = packages.archive_of([("b", b"x"), ("a", b"y")])
        self.assertEqual((1, "archive_malformed", "a"), self.verdict_of_zip(unordered))

    def test_no_byte_of_the_headers_may_be_another(self) -> None:
        raw = packages.archive({"a": b"one", "b/c": b"two"})
        for at in range(len(raw)):
            with self.subTest(at):
                status, code, _ = self.verdict_of_zip(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
                self.assertEqual(1, status)
                # The package has no manifest, so that the archive alone is judged.
                self.assertIn(code, ("archive_malformed", "path_refused", "file_changed"))

    def zipped(self, method: int) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as archive:
            for name, raw in sorted(self.files.items()):
                archive.writestr(name, raw)
        return made.getvalue()

    def test_links_are_refused_and_not_followed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / verify.MANIFEST).write_bytes(b"{}")
            (Path(folder) / "link").symlink_to("/etc/passwd")
            self.assertIn("path_refused", run(folder, "--json")[1])

    def verdict_of_status(self, raw: bytes, key: Any = None, **members: Any) -> Tuple[int, Any]:
        key = key or packages.N1.keys["export"]
        path, status = Path(self.scratch.name) / "package.zip", Path(self.scratch.name) / "status.json"
        path.write_bytes(raw)
        digest = verify.sha256(raw).hex()
        value = verify.base64url(key.sign(b"lexecon/export/v1\n" + digest.encode() + b"\n"))
        signature = {"algorithm": "Ed25519", "key_id": key.kid, "value": value}
        status.write_text(json.dumps({"sha256": digest, "signature": signature, **members}))
        exit_status, printed = run(str(path), "--status", str(status), "--json")
        return exit_status, json.loads(printed).get("code")

    def test_the_signature_of_the_status_is_over_the_archive(self) -> None:
        raw = packages.archive(self.files)
        self.assertEqual((0, None), self.verdict_of_status(raw))
        forged = packages.archive(packages.with_manifest({**self.files, "compliance.json": b"{}"}))
        self.assertEqual((0, None), self.verdict_of_zip(forged)[:2])
        good = json.loads((Path(self.scratch.name) / "status.json").read_text())
        self.assertEqual((1, "sha256_mismatch"), self.verdict_of_status(forged, **good))
        signature = good["signature"]
        self.assertEqual((1, "signature_invalid"), self.verdict_of_status(forged, signature=signature))
        self.assertEqual((1, "status_malformed"), self.verdict_of_status(raw, signature=None))
        for other in (packages.N1.keys["decision"], vectors.STRANGER.keys["export"]):
            self.assertEqual((1, "key_unknown"), self.verdict_of_status(raw, other))
        self.assertEqual(2, run(str(vectors.VECTORS / "exports/good"), "--status", "status.json")[0])

    def test_nothing_is_inflated(self) -> None:
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", bytes(1 << 24))
        self.assertEqual((1, "archive_malformed", "zeros"), self.verdict_of_zip(bomb.getvalue()))
        self.assertEqual((1, "archive_malformed", None), self.verdict_of_zip(b"PK no zip"))


class Usage(unittest.TestCase):
    def test_a_reply_alone_is_wrong_usage(self) -> None:
        self.assertEqual(2, run(str(EXPORTS / "decisions/decision.json"))[0])

    def test_a_proof_alone_is_wrong_usage(self) -> None:
        self.assertEqual(2, run(str(EXPORTS / "proofs/proof.tlog-proof"))[0])

    def test_no_path_is_wrong_usage(self) -> None:
        self.assertEqual(2, run()[0])

    def test_what_is_not_there_cannot_be_read(self) -> None:
        self.assertEqual(3, run(str(EXPORTS / "nowhere"))[0])

    def test_a_directory_without_a_checkpoint_cannot_be_read(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            self.assertEqual(3, run(scratch)[0])

    def test_a_pass_says_what_was_seen(self) -> None:
        status, printed = run(str(EXPORTS / "good"), "--keys", str(EXPORTS / "good/keys.json"))
        self.assertEqual(0, status)
        for line in ("holds", "size: 29", "entries_erased: 6", "gaps_explained: 3", "trusted: yes"):
            self.assertIn(line, printed.splitlines())

    def test_a_fault_says_its_code_and_entry(self) -> None:
        row = ROWS["receipt_edited_data"]
        status, printed = run(str(EXPORTS / row["path"]))
        self.assertEqual(1, status)
        self.assertIn("code: data_hash_mismatch", printed.splitlines())
        self.assertIn("entry: 2", printed.splitlines())


class CanonicalJson(unittest.TestCase):
    # RFC 8785, appendix B.
    NUMBERS = [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ]

    def test_doubles_are_written_as_ecmascript_does(self) -> None:
        for bits, text in self.NUMBERS:
            with self.subTest(bits):
                self.assertEqual(text, verify.es6_number(struct.unpack(">d", bytes.fromhex(bits))[0]))

    def test_what_is_written_reads_back_as_the_same_double(self) -> None:
        draw = random.Random(8785)
        for _ in range(20000):
            number = struct.unpack(">d", draw.getrandbits(64).to_bytes(8, "big"))[0]
            if number == number and abs(number) != float("inf"):
                self.assertEqual(number, float(verify.es6_number(number)))

    def test_members_are_sorted_by_utf_16(self) -> None:
        self.assertEqual(
            '{"\u20ac":1,"\U0001f600":2,"\ufb33":3}', verify.canonical_text({"\ufb33": 3, "\U0001f600": 2, "\u20ac": 1})
        )

    def test_only_what_must_be_escaped_is(self) -> None:
        self.assertEqual(
            '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\u007f"', verify.canonical_text('\u20ac$\x0f\nA\'B"\\"/\x7f')
        )

    def test_large_integers_are_doubles(self) -> None:
        self.assertEqual(b"9007199254740992", verify.canonical(verify.parse_json(b"9007199254740993", "it")))
        self.assertEqual(b"1e+21", verify.canonical(verify.parse_json(b"1" + b"0" * 21, "it")))

    def test_what_is_no_i_json_is_refused(self) -> None:
        for text in (b'{"a":1,"a":1}', b'"\\ud800"', b"NaN", b"1e999", b"\xff", b"[" * 100000, b"01", b"1 2", b""):
            with self.subTest(text[:20]), self.assertRaises(verify.Fault):
                verify.parse_json(text, "it")

    def test_minus_zero_is_not_canonical(self) -> None:
        for text in (b"-0", b"1.0", b"1E2", b" 1", b'"\\u0041"', b'{"b":1,"a":2}'):
            with self.subTest(text), self.assertRaises(verify.Fault):
                verify.parse_canonical(text, "it")


class Encodings(unittest.TestCase):
    def test_base64_is_strict(self) -> None:
        self.assertEqual(b"\x00", verify.base64_strict("AA==", "it"))
        for text in ("AA", "AB==", "AA==\n", "A===", "_w==", " AA=="):
            with self.subTest(text), self.assertRaises(verify.Fault):
                verify.base64_strict(text, "it")

    def test_base64url_is_strict(self) -> None:
        self.assertEqual(b"\xff", verify.base64url_strict("_w", "it"))
        for text in ("_w==", "_x", "A", "/w", "AA\n"):
            with self.subTest(text), self.assertRaises(verify.Fault):
                verify.base64url_strict(text, "it")

    def test_timestamps_are_of_the_calendar(self) -> None:
        self.assertTrue(verify.is_timestamp("2028-02-29T23:59:59.999999Z"))
        for text in (
            "2027-02-29T00:00:00.000000Z",
            "2027-01-01T24:00:00.000000Z",
            "2027-01-01T00:00:60.000000Z",
            "2027-01-01T00:00:00.00000Z",
        ):
            with self.subTest(text):
                self.assertFalse(verify.is_timestamp(text))


class Tree(unittest.TestCase):
    def test_roots_are_those_of_the_definition(self) -> None:
        known = json.loads((vectors.VECTORS / "merkle.json").read_text())["roots"]
        for size, root in enumerate(known):
            leaves = [verify.leaf_hash(bytes([leaf])) for leaf in range(size)]
            self.assertEqual(root, verify.root_of(leaves).hex())

    def test_each_leaf_of_each_size_is_included_and_nowhere_else(self) -> None:
        for size in range(1, 34):
            leaves = [verify.leaf_hash(bytes([leaf])) for leaf in range(size)]
            root = verify.root_of(leaves)
            for index in range(size):
                path = vectors.inclusion(leaves, index)
                self.assertEqual(root, verify.inclusion_root(leaves[index], index, size, path))
                self.assertNotEqual(root, verify.inclusion_root(leaves[index], index, size, path + [root]))
                self.assertNotEqual(
                    root, verify.inclusion_root(leaves[index], index, size, path[:-1]) if path else None
                )
                self.assertNotEqual(root, verify.inclusion_root(leaves[index], index + 1, size, path))

    def test_tiles_have_the_paths_of_c2sp(self) -> None:
        self.assertEqual("tile/0/x001/x234/067", verify.tile_path("0", 1234067, 256))
        self.assertEqual("tile/0/x001/000", verify.tile_path("0", 1000, 256))
        self.assertEqual("tile/entries/999.p/255", verify.tile_path("entries", 999, 255))
        self.assertEqual("tile/1/000.p/1", verify.tile_path("1", 0, 1))


class Notes(unittest.TestCase):
    def test_the_example_of_signed_note_verifies(self) -> None:
        text, signatures = verify.parse_note(
            "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n".encode()
        )
        public = verify.base64_strict("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "it")
        key = verify.Key("key", "checkpoint", {"x": verify.base64url(public[1:])})
        self.assertEqual("530d903a", key.note_key_id("example.com/foo").hex())
        self.assertEqual(key.note_key_id("example.com/foo"), signatures[0][1][:4])
        self.assertTrue(key.holds(signatures[0][1][4:], text.encode()))

    def test_the_text_ends_at_the_last_empty_line(self) -> None:
        self.assertEqual("a\n\nb\n", verify.parse_note("a\n\nb\n\n\u2014 k AAAAAAA=\n".encode())[0])

    def test_names_have_no_spaces_of_any_kind(self) -> None:
        for name in ("a+b", "a\u00a0b", "a\u2003b", ""):
            with self.subTest(name), self.assertRaises(verify.Fault):
                verify.parse_note(f"a\n\n\u2014 {name} AAAAAAA=\n".encode())


class Signatures(unittest.TestCase):
    KEY = vectors.EdKey("test", "decision")

    def test_points_of_small_order_are_refused(self) -> None:
        prime = 2**255 - 19
        d = -121665 * pow(121666, -1, prime) % prime
        low = {y.to_bytes(32, "little") for y in self.small_order(prime, d)}
        self.assertEqual(5, len(low))
        self.assertTrue(all(verify.is_small_order(y) for y in low))
        # With the identity as key and as R, and S = 0, the equation holds for every message.
        identity = b"\x01" + bytes(31)
        self.assertFalse(verify.ed25519_holds(identity, identity + bytes(32), b"anything"))

    @staticmethod
    def small_order(prime: int, d: int) -> List[int]:
        """The y of the points whose order divides 8: doubled, those of order 8 have y = 0, so y^2 = -x^2."""
        found = {0, 1, prime - 1}
        # x^2 = -y^2 put into -x^2 + y^2 = 1 + d x^2 y^2 gives d y^4 + 2 y^2 - 1 = 0.
        root = Signatures.square_root((1 + d) % prime, prime)
        for sign in (1, -1):
            square = (-1 + sign * root) * pow(d, -1, prime) % prime
            y = Signatures.square_root(square, prime)
            if y is not None:
                found |= {y, prime - y}
        return sorted(found)

    @staticmethod
    def square_root(square: int, prime: int) -> Optional[int]:
        for factor in (1, pow(2, (prime - 1) // 4, prime)):
            root = pow(square, (prime + 3) // 8, prime) * factor % prime
            if root * root % prime == square:
                return root
        return None

    def test_a_signature_plus_the_order_is_refused(self) -> None:
        order = 2**252 + 27742317777372353535851937790883648493
        signature = self.KEY.sign(b"text")
        larger = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
        self.assertTrue(verify.ed25519_holds(self.KEY.public, signature, b"text"))
        self.assertFalse(verify.ed25519_holds(self.KEY.public, signature[:32] + larger, b"text"))

    def test_a_signature_made_by_hand_is_rsa_pss(self) -> None:
        key = vectors.N1_RSA
        known = verify.parse_key(key.member())
        self.assertTrue(known.holds(key.sign(b"text"), b"text"))
        self.assertFalse(known.holds(key.sign(b"text"), b"next"))

    def test_the_token_of_the_older_vectors_verifies(self) -> None:
        vector = json.loads((vectors.VECTORS / "token.json").read_text())
        token = verify.parse_token(vector["token"])
        key = verify.Key(token["kid"], "token", {"x": vector["public_key"]})
        verify.check_signature({key.kid: key}, **token)
        self.assertEqual(118, token["entry"])


class Runs(unittest.TestCase):
    def test_a_run_names_a_thousand_entries_at_most(self) -> None:
        self.assertEqual([(1, 1000)], verify.parse_ranges([{"from": 1, "to": 1000}], 5000))
        for more in ({"from": 1, "to": 1001}, {"from": 1, "to": 500}):
            with self.assertRaises(verify.Fault):
                verify.parse_ranges([more, {"from": 2000, "to": 2500}], 5000)


class Gaps(unittest.TestCase):
    def test_the_least_free_header_explains_whatever_can_be_explained(self) -> None:
        """Against trying every assignment, on small random scripts."""
        draw = random.Random(9)
        verdicts = set()
        for _ in range(3000):
            script = [
                (draw.choice("ab") if draw.random() < 0.5 else None, draw.randint(1, 4))
                for _ in range(draw.randint(1, 8))
            ]
            verdict = self.greedy(script)
            verdicts.add(verdict)
            self.assertEqual(self.exhaustive(script), verdict, script)
        self.assertEqual({True, False}, verdicts)

    @staticmethod
    def greedy(script: List[Tuple[Optional[str], int]]) -> bool:
        actors = verify.Actors()
        template = verify.parse_header(vectors.small_log().lines[0]["header"].encode())
        for ident, (actor, number) in enumerate(script):
            actors.see(template._replace(id=ident, actor_seq=number), None if actor is None else {"actor": actor})
        return actors.fault is None

    @staticmethod
    def exhaustive(script: List[Tuple[Optional[str], int]]) -> bool:
        last: Dict[str, Tuple[int, int]] = {}
        gaps = []
        for ident, (actor, number) in enumerate(script):
            if actor is not None:
                before, entry = last.get(actor, (0, -1))
                if number <= before:
                    return False
                gaps += [(missing, entry, ident) for missing in range(before + 1, number)]
                last[actor] = (number, ident)

        def explain(at: int, used: frozenset) -> bool:
            if at == len(gaps):
                return True
            missing, first, end = gaps[at]
            fits = [ident for ident in range(first + 1, end) if script[ident] == (None, missing) and ident not in used]
            return any(explain(at + 1, used | {ident}) for ident in fits)

        return explain(0, frozenset())


if __name__ == "__main__":
    unittest.main()
