#!/usr/bin/env python3
"""Times Hyaline's patching sweeps against TransformerLens's on this machine, in turn, and prints medians and ratios.

GPT-2 small's shape, random weights, one pair of 15-token prompts that differ from their second token on. TransformerLens makes one full pass a cell, each taking as
long as any other; it is timed on CELLS of them, spread over the table, and scaled to the whole. Hyaline's sweeps are whole ones, the runs of both prompts included.
Needs torch, transformers and transformer_lens. Build first: mvn -DskipTests package. Then, with JAVA_HOME at a JDK 25:

    python benchmarks/compare/sweeps.py             the three tables
    python benchmarks/compare/sweeps.py edges       every edge of the graph, by Hyaline alone: minutes
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

import machine
from compare import JAVA

CELLS = 10
ROUNDS = 5
TOKENS = 15
#        TransformerLens's function, its axes, its setter
TABLES = {
    "RESID_PRE": ("resid_pre", ("layer", "pos"), "layer_pos_patch_setter"),
    "ATTN_HEAD_OUT_ALL_POS": ("z", ("layer", "head"), "layer_head_vector_patch_setter"),
    "ATTN_HEAD_OUT_BY_POS": ("z", ("layer", "pos", "head"), "layer_pos_head_vector_patch_setter"),
}


class Peer:
    """Hyaline in a process of its own."""

    def __init__(self, checkpoint):
        self.process = subprocess.Popen(
            JAVA + ["dev.hyaline.benchmarks.SweepPeer", str(checkpoint)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kernels = self.process.stdout.readline().strip()

    def __call__(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return [float(number) for number in self.process.stdout.readline().split()]


def prompts(different):
    clean = [i * 7919 % 50257 for i in range(TOKENS)]
    return clean, [clean[i] if i < different else (i + 100) * 7919 % 50257 for i in range(TOKENS)]


def lens_seconds(model, table, axes, setter, cells):
    """Seconds a table takes TransformerLens, from some of its cells."""
    import pandas
    from transformer_lens import patching

    clean, corrupted = (torch.tensor([tokens]) for tokens in prompts(1))
    size = {"layer": 12, "head": 12, "pos": TOKENS}
    total = 1
    for axis in axes:
        total *= size[axis]
    rows = []
    for index in range(0, total, total // cells):
        row = []
        for axis in reversed(axes):
            row.append(index % size[axis])
            index //= size[axis]
        rows.append(row[::-1])
    _, cache = model.run_with_cache(clean)
    frame = pandas.DataFrame(rows[:cells], columns=axes)
    start = time.perf_counter()
    patching.generic_activation_patch(
        model, corrupted, cache, lambda logits: logits[0, -1, 100] - logits[0, -1, 200], getattr(patching, setter), table,
        index_df=frame)
    return (time.perf_counter() - start) / len(frame) * total


def main():
    torch.set_num_threads(int(os.environ.get("HYALINE_THREADS", os.cpu_count())))
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        weights = GPT2LMHeadModel(GPT2Config()).eval()
        weights.save_pretrained(folder)
        peer = Peer(folder)
        if "edges" in sys.argv[1:]:
            for different in (1, 10):
                seconds, done, full = peer("edges", different)
                print(f"32,491 edges, prompts that differ from position {different} on: {seconds:.0f} s, {done:.3g} multiply-adds; "
                      f"full reruns {full:.3g}, {full / done:.1f} times as many", flush=True)
            return
        from compare import lens_like

        lens = lens_like(weights)
        print(f"Hyaline ({peer.kernels}) and TransformerLens on PyTorch {torch.__version__}, {torch.get_num_threads()} threads; "
              f"medians of {ROUNDS}, load {os.getloadavg()[0]:.1f}")
        peer("peak")  # compiles it
        peak = peer("peak")[0]
        print(f"{machine.name()}: {peak / 1e9:.0f} GFLOP/s of multiply-adds in registers")
        for sweep, (table, axes, setter) in TABLES.items():
            peer(sweep, 1)  # a JIT compiler wants to see the work before it is timed
            ours, theirs, late = [], [], []
            for _ in range(ROUNDS):
                time.sleep(0.3)
                result = peer(sweep, 1)
                ours.append(result[0])
                late.append(peer(sweep, 10)[0])
                theirs.append(lens_seconds(lens, table, axes, setter, CELLS))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"{sweep:24} {a:7.2f} s   TransformerLens {b:7.1f} s   {b / a:6.1f} times   "
                  f"target {machine.target('sweep ' + sweep)}   "
                  f"{2 * result[1] / a / 1e9:.0f} GFLOP/s, {2 * result[1] / a / peak:.0%} of the peak; "
                  f"multiply-adds {result[1]:.3g} of {result[2]:.3g}, {result[2] / result[1]:.1f} times; "
                  f"differing from position 10 on {statistics.median(late):.2f} s", flush=True)


if __name__ == "__main__":
    main()
