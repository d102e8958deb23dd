package dev.hyaline.benchmarks;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.weights.Checkpoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The Java side of {@code compare/sweeps.py}: reads a line {@code SWEEP DIFFERENT} with a patching function's name or
 * {@code edges} and the first position at which the 15 tokens of two prompts differ, runs the sweep, and answers with
 * its seconds, the runs of both prompts included, its multiply-adds and those of full reruns.
 */
public final class SweepPeer {
    private static final int TOKENS = 15;
    private static final long TELL_EVERY = 2000;

    private SweepPeer() {}

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Checkpoint checkpoint = Checkpoint.open(Path.of(arguments[0]));
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            System.out.println(model.kernels().name() + " kernels, " + model.threads() + " threads");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.equals("peak")) {
                    try (WorkerPool pool = new WorkerPool(model.threads())) {
                        System.out.println(MachineLimits.operations(pool));
                    }
                    continue;
                }
                String sweep = line.substring(0, line.indexOf(' '));
                int different = Integer.parseInt(line.substring(line.indexOf(' ') + 1));
                long begin = System.nanoTime();
                SweepResult result = run(model, sweep, pairs(model, different), begin);
                double seconds = (System.nanoTime() - begin) / 1e9;
                System.out.println(seconds + " " + result.work().done() + " "
                        + result.work().full());
            }
        }
    }

    private static PromptPairs pairs(Gpt2 model, int different) {
        int[] clean = IntStream.range(0, TOKENS).map(i -> i * 7919 % 50257).toArray();
        int[] corrupted = IntStream.range(0, TOKENS)
                .map(i -> i < different ? clean[i] : (i + 100) * 7919 % 50257)
                .toArray();
        PromptPair pair = new PromptPair("pair", clean, corrupted, new int[] {100}, new int[] {200}, Map.of());
        return PromptPairs.of(model.config(), List.of(pair));
    }

    private static SweepResult run(Gpt2 model, String name, PromptPairs pairs, long begin) {
        Experiment experiment = Experiment.start(model, pairs, Metric.logitDifference());
        Sweep sweep = name.equals("edges")
                ? PathPatching.edges(
                        experiment.config(), PatchingDirection.DENOISING, new ComputationGraph(model.config()).edges())
                : ActivationPatch.valueOf(name)
                        .sweep(experiment.config(), PatchingDirection.DENOISING, experiment.pairs());
        return experiment.sweep(sweep, SweepOptions.none().progress((done, total) -> {
            if (done % TELL_EVERY == 0) {
                System.err.printf(
                        Locale.ROOT, "%d of %d after %.0f s%n", done, total, (System.nanoTime() - begin) / 1e9);
            }
        }));
    }
}
