"""Tests of hyaline.py: python -m unittest in this folder, with the command on the path as HYALINE (./hyaline)."""

import json
import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

import numpy as np

import hyaline

COMMAND = shlex.split(os.environ.get("HYALINE", str(pathlib.Path(__file__).parents[2] / "hyaline")))


class ReaderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "corpus.jsonl").write_text(
            "".join(json.dumps({"text": f"Mary gave a drink to John, {n}."}) + "\n" for n in range(9)))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_command(self, *arguments):
        subprocess.run([*COMMAND, *arguments], check=True, capture_output=True, cwd=self.folder)

    def dump(self, name, *arguments):
        self.run_command("dump", "--out", name, *arguments)
        return hyaline.load(self.folder / name)

    def test_prompts_of_one_length(self):
        dump = self.dump("one", "-p", "The cat sat", "-p", "The cat sat")
        pattern = dump["blocks.2.attn.hook_pattern"]
        self.assertEqual(pattern.shape, (2, 8, 5, 5))
        np.testing.assert_allclose(pattern.sum(-1), 1, atol=1e-5)
        np.testing.assert_array_equal(dump["pattern", 2], pattern)
        np.testing.assert_array_equal(dump["attn.hook_pattern", -2], pattern)
        np.testing.assert_array_equal(dump["pattern", 2, 1], pattern[1])
        self.assertEqual(dump["embed"].shape, (2, 5, 128))
        self.assertEqual(dump.texts[0][1:], ["The", " cat", " s", "at"])
        self.assertIn("blocks.2.attn.hook_pattern  [2, 8, 5, 5]", repr(dump))
        with self.assertRaisesRegex(KeyError, "more than one hook point"):
            dump["pattern"]
        with self.assertRaisesRegex(KeyError, "no nonsense of layer 1; it has embed, .*attn.pattern") as raised:
            dump["nonsense", 1]
        self.assertEqual(str(raised.exception).count("attn.pattern"), 1)
        with self.assertRaisesRegex(KeyError, "no pattern of layer 9; it has pattern of layers 0, 1, 2, 3"):
            dump["pattern", 9]
        with self.assertRaisesRegex(KeyError, "no embed of layer 1; it has embed, which is of no layer"):
            dump["embed", 1]
        with self.assertRaisesRegex(IndexError, "2 prompts"):
            dump["pattern", 2, 2]

    def test_prompts_of_unequal_length(self):
        dump = self.dump("two", "-p", "The cat sat", "-p", "Mary gave a")
        self.assertEqual([z.shape for z in dump["z", 1]], [(5, 8, 16), (4, 8, 16)])
        self.assertEqual([p.shape for p in dump["pattern", 1]], [(8, 5, 5), (8, 4, 4)])
        alone = self.dump("alone", "-p", "Mary gave a")
        self.assertIn(", 1 prompt, ", repr(alone))
        np.testing.assert_array_equal(dump["resid_post", 3, 1], alone["resid_post", 3, 0])
        np.testing.assert_array_equal(dump["pattern", 3, -1], alone["pattern", 3, 0])

    def test_types_and_selections(self):
        exact = self.dump("exact", "-p", "The cat sat", "--sites", "resid_post", "--positions", "last")
        for kind, tolerance in (("f16", 1e-3), ("bf16", 1e-2)):
            half = self.dump(kind, "-p", "The cat sat", "--sites", "resid_post", "--positions", "last", "--dtype", kind)
            np.testing.assert_allclose(half["resid_post", 2], exact["resid_post", 2], rtol=tolerance, atol=1e-3)
        self.assertEqual(exact.positions[0].tolist(), [4])
        npz = self.dump("npz", "-p", "The cat sat", "--sites", "resid_post", "--positions", "last", "--format", "npz")
        np.testing.assert_array_equal(npz["resid_post", 2], exact["resid_post", 2])

    def test_shards(self):
        arguments = ("--prompts", "corpus.jsonl", "--sites", "resid_post", "--layers", "1", "--shards")
        small = self.dump("small", *arguments, "--shard-size", "20kB")
        whole = self.dump("whole", *arguments)
        values = whole["resid_post", 1]
        self.assertEqual(values.shape, (len(whole), 128))
        np.testing.assert_array_equal(small["resid_post", 1], values)
        np.testing.assert_array_equal(small.rows("resid_post", 1, 30, 70), values[30:70])
        np.testing.assert_array_equal(np.concatenate(list(small.shards("resid_post", 1))), values)
        self.assertEqual(small["documents"].max(), 8)
        self.assertEqual(small.rows("resid_post", 1, 5, 5).shape, (0, 128))
        self.assertIn("hook_resid_post", repr(small))

    def test_tables(self):
        self.run_command("ablate", "--count", "4", "--out", "tables")
        table = hyaline.load(self.folder / "tables" / "ablate-z.csv")
        self.assertEqual(table.mean.shape, (4, 8))
        np.testing.assert_allclose(table.values.mean(-1), table.mean)
        cell = table.at(layer=2, head=4)
        self.assertEqual(cell["mean"], table.mean[2, 4])
        labels, effect = table.top(1)[0]
        self.assertEqual(abs(effect), np.nanmax(np.abs(table.effect)))
        self.assertEqual(table.effect[table.index(layer=labels[0], head=labels[1])], effect)
        self.assertEqual(table.made["command"][:1], ["ablate"])
        with self.assertRaisesRegex(KeyError, "no 9"):
            table.at(layer=9, head=0)

    def test_what_is_neither(self):
        (self.folder / "other.json").write_text("{}")
        with self.assertRaisesRegex(ValueError, "neither"):
            hyaline.load(self.folder / "other.json")
        (self.folder / "t.txt").write_text("words")
        with self.assertRaisesRegex(ValueError, "t.txt is neither .*: it is not JSON"):
            hyaline.load(self.folder / "t.txt")
        (self.folder / "list.json").write_text("[3]")
        with self.assertRaisesRegex(ValueError, "list.json is neither"):
            hyaline.load(self.folder / "list.json")
        with self.assertRaises(FileNotFoundError):
            hyaline.load(self.folder / "nothing")


if __name__ == "__main__":
    unittest.main()
