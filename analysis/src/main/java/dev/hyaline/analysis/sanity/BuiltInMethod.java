package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.circuit.AttributionPatches;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.ResultTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The laboratory's own methods that score heads or edges for a task. Searches for a circuit go by these scores.
 * Information flow is not here: it reads no answer.
 */
public enum BuiltInMethod implements Method {
    /** The loss by a head's ablation by zero. */
    ABLATE {
        @Override
        public Finding run(Subject subject) {
            return new HeadAblation(ablation()).run(subject);
        }

        @Override
        public Ablation ablation() {
            return Ablation.zero();
        }

        @Override
        public Optional<Method> with(Ablation other) {
            return Optional.of(new HeadAblation(other));
        }
    },
    /** The loss by a head's ablation by its mean over the clean prompts. */
    ABLATE_MEAN {
        @Override
        public Finding run(Subject subject) {
            return new HeadAblation(ablation()).run(subject);
        }

        @Override
        public Ablation ablation() {
            return Ablation.mean();
        }

        @Override
        public Optional<Method> with(Ablation other) {
            return Optional.of(new HeadAblation(other));
        }
    },
    /** The part of the metric that a head's output in the clean run brings back in the corrupted one. */
    PATCH {
        @Override
        public Finding run(Subject subject) {
            return ofSweep(
                    subject,
                    ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(
                            subject.model().config(), PatchingDirection.DENOISING, subject.pairs()),
                    1);
        }
    },
    /** A head's direct contribution to the logit difference. */
    ATTRIBUTE {
        @Override
        public Finding run(Subject subject) {
            DirectLogitAttribution.Result result = DirectLogitAttribution.of(
                            subject.model(), subject.pairs(), PromptPair.END)
                    .byHead();
            return of(subject, result.table(), 1, result.sumCheck().relativeError());
        }

        @Override
        public boolean ignoresMetric() {
            return true;
        }
    },
    /** The effect of a head's direct path to the logits, patched by the corrupted run. */
    PATH {
        @Override
        public Finding run(Subject subject) {
            Sweep sweep = PathPatching.heads(
                    subject.model().config(),
                    PatchingDirection.NOISING,
                    Set.of(Receiver.of(Node.logits())),
                    /* through= */ Set.of());
            return ofSweep(subject, sweep, -1);
        }
    },
    /** Attribution patching's estimate of a head's output, over all positions. */
    ATTRIBUTION_PATCHING {
        @Override
        public Finding run(Subject subject) {
            return ofEstimates(subject);
        }
    },
    /** The exact effect of every edge. */
    EXACT {
        @Override
        public Finding run(Subject subject) {
            return EdgeFinding.of(subject, new EdgeScoring.Exact());
        }
    },
    /** Edge attribution patching. */
    EAP {
        @Override
        public Finding run(Subject subject) {
            return EdgeFinding.of(subject, new EdgeScoring.AttributionPatching(PatchingDirection.NOISING));
        }
    },
    /** Edge attribution patching with integrated gradients of the input. */
    EAP_IG {
        @Override
        public Finding run(Subject subject) {
            return EdgeFinding.of(subject, new EdgeScoring.InputGradients(STEPS, EdgeScoring.PathRule.LEFT));
        }
    },
    /** The same with integrated gradients of activations. */
    EAP_IG_ACTIVATIONS {
        @Override
        public Finding run(Subject subject) {
            return EdgeFinding.of(subject, new EdgeScoring.ActivationGradients(STEPS, /* own= */ false));
        }
    },
    /** Integrated gradients of each edge's own sender. */
    IG_ACTIVATIONS {
        @Override
        public Finding run(Subject subject) {
            return EdgeFinding.of(subject, new EdgeScoring.ActivationGradients(STEPS, /* own= */ true));
        }
    },
    /** Edge attribution patching with the gradients of both runs. */
    CLEAN_CORRUPTED {
        @Override
        public Finding run(Subject subject) {
            return EdgeFinding.of(subject, new EdgeScoring.CleanCorrupted());
        }
    };

    private static final int STEPS = 5;

    /**
     * The method that scores edges so.
     *
     * @param scores what the scores are called, such as {@code eap-ig of 5 steps}
     */
    public static Optional<BuiltInMethod> ofScores(String scores) {
        return EnumSet.range(EXACT, CLEAN_CORRUPTED).stream()
                .filter(method -> scores.equals(method.toString()) || scores.equals(method + " of " + STEPS + " steps"))
                .findFirst();
    }

    @Override
    public String title() {
        return toString();
    }

    static Finding ofSweep(Subject subject, Sweep sweep, int sign) {
        Experiment experiment = Experiment.start(subject.model(), subject.pairs(), subject.metric());
        return of(subject, experiment.sweep(sweep).table(), sign, null);
    }

    private static Finding ofEstimates(Subject subject) {
        Experiment experiment = Experiment.start(subject.model(), subject.pairs(), subject.metric());
        AttributionPatches patches = AttributionPatches.measure(experiment);
        int sign = subject.metric().isLowerBetter() ? -1 : 1;
        List<String> components = heads(subject);
        double[][] effects = new double[components.size()][subject.pairs().size()];
        for (int pair = 0; pair < subject.pairs().size(); pair++) {
            double[] estimates = patches.of(AttributionPatches.Part.Z, pair);
            int length = subject.pairs().get(pair).length();
            for (int head = 0; head < effects.length; head++) {
                effects[head][pair] = sign
                        * Arrays.stream(estimates, head * length, (head + 1) * length)
                                .sum();
            }
        }
        return new Finding(components, effects, null);
    }

    private static List<String> heads(Subject subject) {
        List<String> heads = new ArrayList<>();
        for (int layer = 0; layer < subject.model().config().nLayers(); layer++) {
            for (int head = 0; head < subject.model().config().nHeads(); head++) {
                heads.add(new Node.Head(layer, head).toString());
            }
        }
        return heads;
    }

    /** A table of layers and heads, and perhaps more columns, which are left out. */
    private static Finding of(Subject subject, ResultTable table, int sign, @Nullable Double sumError) {
        List<double[]> effects = new ArrayList<>();
        for (int layer = 0; layer < subject.model().config().nLayers(); layer++) {
            for (int head = 0; head < subject.model().config().nHeads(); head++) {
                int cell = table.cell(layer, head);
                double[] values = table.values(cell);
                for (int pair = 0; pair < values.length; pair++) {
                    values[pair] = sign * (values[pair] - table.reference(cell, pair));
                }
                effects.add(values);
            }
        }
        return new Finding(heads(subject), effects.toArray(double[][]::new), sumError);
    }

    /** The name on a command line, such as {@code ablate-mean}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
