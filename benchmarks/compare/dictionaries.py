#!/usr/bin/env python3
"""Times sparse coding and an epoch of dictionary learning against scikit-learn on this machine, in turn.

Samples of width 128 are sums of 12 of 1,280 planted atoms with some noise. Coded are samples over these atoms; learned is a dictionary of 1,280 atoms from 10,000
samples, one epoch of batches of 256 with alpha 1 from the same start in the same order, whose codes scikit-learn computes with lasso_lars, its default. Processor seconds of
one thread each. The objective of a sample is computed by each side itself for its own codes; for the learned dictionaries both are that of our coder on all samples.
Needs scikit-learn and takes some minutes. Build first: mvn -DskipTests package. Then, with JAVA_HOME at a JDK 25:

    python benchmarks/compare/dictionaries.py
    python benchmarks/compare/dictionaries.py 2560      learns from fewer samples: a quarter of the time
"""

import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from sklearn.decomposition import MiniBatchDictionaryLearning, sparse_encode
from threadpoolctl import threadpool_limits

from compare import JAVA

WIDTH, ATOMS, CODED, BATCH, ALPHA, LEARNING_ALPHA, NONZERO = 128, 1280, 512, 256, 0.3, 1.0, 8
SAMPLES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000


def planted(random):
    atoms = random.standard_normal((ATOMS, WIDTH))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = np.zeros((SAMPLES, ATOMS))
    for code in codes:
        code[random.choice(ATOMS, 12, replace=False)] = random.exponential(1, 12) + 0.5
    return (codes @ atoms + 0.05 * random.standard_normal((SAMPLES, WIDTH))).astype(np.float32), atoms.astype(np.float32)


class Peer:
    """Hyaline in a process of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(JAVA + ["dev.hyaline.benchmarks.DictionaryPeer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kernels = self.process.stdout.readline().strip()

    def __call__(self, what, number, samples, dictionary):
        samples.astype(np.float32).tofile(f"{self.folder}/samples")
        dictionary.astype(np.float32).tofile(f"{self.folder}/dictionary")
        print(what, number, WIDTH, f"{self.folder}/samples", f"{self.folder}/dictionary", file=self.process.stdin, flush=True)
        return [float(word) for word in self.process.stdout.readline().split()]


def timed(work):
    begin = time.thread_time()
    result = work()
    return time.thread_time() - begin, result


def objective(samples, codes, dictionary, alpha):
    return (0.5 * ((samples - codes @ dictionary) ** 2).sum() + alpha * abs(codes).sum()) / len(samples)


def row(name, ours, theirs, samples, l0):
    (seconds, cost), (peer_seconds, peer_cost) = ours, theirs
    rates = f"{samples / seconds:10.0f}{samples / peer_seconds:10.0f}{peer_seconds / seconds:8.1f}x"
    print(f"{name:12}{l0:6.1f}{seconds:10.3f}{peer_seconds:10.3f}{rates}{cost:16.9f}{peer_cost:16.9f}", flush=True)


def main():
    warnings.filterwarnings("ignore")
    samples, atoms = planted(np.random.default_rng(0))
    start = samples[np.random.default_rng(1).choice(SAMPLES, ATOMS, replace=False)]
    start = start / np.linalg.norm(start, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        peer = Peer(folder)
        print(f"{peer.kernels}; width {WIDTH}, {ATOMS} atoms, alpha {ALPHA}, for learning {LEARNING_ALPHA}; processor seconds of one thread, samples a second, objective of a sample")
        print(f"{'':12}{'L0':>6}{'Hyaline':>10}{'sklearn':>10}{'Hyaline':>10}{'sklearn':>10}{'ratio':>9}{'Hyaline':>16}{'sklearn':>16}")
        x, d = samples[:CODED].astype(np.float64), atoms.astype(np.float64)
        for what in ("lasso_cd", "lasso_lars", "omp"):
            number = NONZERO if what == "omp" else ALPHA
            options = {"n_nonzero_coefs": NONZERO} if what == "omp" else {"alpha": ALPHA}
            seconds, codes = timed(lambda: sparse_encode(x, d, algorithm=what, **options))
            alpha = 1 if what == "omp" else ALPHA
            ours = peer(what, number, samples[:CODED], atoms)
            row(what, ours[:2], (seconds, objective(x, codes, d, alpha)), CODED, ours[2])
        ours = peer("learn", LEARNING_ALPHA, samples, start)
        learning = MiniBatchDictionaryLearning(
            ATOMS, alpha=LEARNING_ALPHA, batch_size=BATCH, max_iter=1, dict_init=start.astype(np.float64), shuffle=False, tol=0, max_no_improvement=None, random_state=0)
        seconds, learned = timed(lambda: learning.fit(samples.astype(np.float64)))
        theirs = peer("lasso_cd", LEARNING_ALPHA, samples, learned.components_)
        row("one epoch", ours[:2], (seconds, theirs[1]), SAMPLES, ours[2])


if __name__ == "__main__":
    main()
