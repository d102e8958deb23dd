package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Pairs of prompts, a metric and an ablation: what circuits are run on. A circuit's run is the clean one with every
 * edge that is left out carrying the ablated value of its sender; a node computes from what it reads in this run, and
 * so what it writes is its own value in the circuit, not in the model (as EAP-IG's {@code evaluate_graph}, ACDC and
 * auto-circuit's tree patching). All edges kept give the clean run to the bit, and an edge that cannot matter changes
 * no bit. Not thread-safe.
 */
public final class CircuitExperiment {
    private final Experiment experiment;
    private final GraphIndex index;
    private final CircuitEdits edits;

    private CircuitExperiment(Experiment experiment, Ablation ablation, InputMeaning input) {
        this.experiment = experiment;
        index = new GraphIndex(experiment.config());
        edits = new CircuitEdits(index, experiment.runs(), ablation, input);
    }

    /**
     * Circuits on an experiment's pairs, where {@code input} is the token embedding.
     *
     * @throws BadInputException if the ablation is a mean by position and the prompts differ in length, is noise, or
     *     the values do not fit the memory
     */
    public static CircuitExperiment of(Experiment experiment, Ablation ablation) {
        return of(experiment, ablation, InputMeaning.TOKENS);
    }

    /** As {@link #of(Experiment, Ablation)}, with a meaning of the node {@code input}. */
    public static CircuitExperiment of(Experiment experiment, Ablation ablation, InputMeaning input) {
        return new CircuitExperiment(experiment, ablation, input);
    }

    public Experiment experiment() {
        return experiment;
    }

    public Gpt2Config config() {
        return experiment.config();
    }

    public PromptPairs pairs() {
        return experiment.pairs();
    }

    public Metric metric() {
        return experiment.metric();
    }

    public Ablation ablation() {
        return edits.ablation();
    }

    public InputMeaning input() {
        return edits.input();
    }

    GraphIndex index() {
        return index;
    }

    CircuitEdits edits() {
        return edits;
    }

    /** Every edge. */
    public Circuit full() {
        return Circuit.full(index);
    }

    /** No edge. */
    public Circuit empty() {
        return Circuit.empty(index);
    }

    /**
     * The metric of circuits by pair.
     *
     * @return a table of the circuits, in their order, by pair
     * @throws BadInputException if a circuit is of another graph than the model's
     */
    public SweepResult run(List<Circuit> circuits, SweepOptions options) {
        List<String> names = new ArrayList<>();
        MessageDigest digest = Digests.sha256();
        for (Circuit circuit : circuits) {
            circuit.requireOf(index);
            names.add(String.valueOf(names.size()));
            digest.update(Arrays.toString(circuit.keptEdges().toLongArray()).getBytes(StandardCharsets.US_ASCII));
        }
        return experiment.sweep(
                new CircuitSweep(
                        edits,
                        "Circuits",
                        HexFormat.of().formatHex(digest.digest()),
                        new Axis("circuit", names),
                        circuits::get),
                options);
    }

    /** The metric of circuits, {@code [circuits][pairs]}. */
    public double[][] measure(List<Circuit> circuits) {
        return measure(circuits, SweepOptions.none());
    }

    double[][] measure(List<Circuit> circuits, SweepOptions options) {
        if (circuits.isEmpty()) {
            return new double[0][];
        }
        SweepResult result = run(circuits, options);
        double[][] values = new double[circuits.size()][];
        Arrays.setAll(values, result.table()::values);
        return values;
    }

    /** The metric of a circuit by pair. */
    public double[] measure(Circuit circuit) {
        return measure(List.of(circuit))[0];
    }

    /**
     * The exact effect of leaving each of some edges out of the whole model, by pair: by how much the task gets worse.
     *
     * @return {@code [edges][pairs]}
     */
    public double[][] effects(List<Edge> edges) {
        List<Circuit> runs = new ArrayList<>(List.of(full()));
        edges.forEach(edge -> runs.add(full().without(List.of(edge))));
        double[][] measured = measure(runs);
        double[][] effects = new double[edges.size()][pairs().size()];
        for (int e = 0; e < effects.length; e++) {
            for (int pair = 0; pair < effects[e].length; pair++) {
                effects[e][pair] = loss(measured[0][pair], measured[e + 1][pair]);
            }
        }
        return effects;
    }

    /** The mean of a circuit's metric over the pairs. */
    public double mean(Circuit circuit) {
        return mean(measure(circuit));
    }

    static double mean(double[] values) {
        return Arrays.stream(values).sum() / values.length;
    }

    /** By how much a value is worse than another: less, or more of a metric that should be small. */
    double loss(double full, double ablated) {
        return metric().isLowerBetter() ? ablated - full : full - ablated;
    }

    /** The exact effects of edges left out one by one, by edge and pair. */
    SweepResult ablateEach(SweepOptions options) {
        Circuit full = full();
        return experiment.sweep(
                new CircuitSweep(
                        edits,
                        "Exact effects of edges, " + PatchingDirection.NOISING,
                        "every edge",
                        new Axis(
                                "edge",
                                index.edges().stream().map(Object::toString).toList()),
                        full::without),
                options);
    }

    @Override
    public String toString() {
        return "circuits of " + experiment;
    }
}
