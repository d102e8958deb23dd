package dev.hyaline.analysis.metric;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A number that says how well a run does a task: a name, a unit and a function of the logits. A metric of one's own is
 * one line, as TransformerLens's {@code patching_metric} is:
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/ReadmeMetricTest.java" region="readme"}
 *
 * <p>By default a metric reads all logits of the last position. {@link #at(String)} and {@link #positions} choose other
 * positions, {@link #tokens} the columns, so that nothing else is unembedded. The metrics here read the logits as float
 * and compute in double precision. Immutable.
 */
public final class Metric {
    private final String name;
    private final String quantity;
    private final String unit;
    /** Words that tell the metric from others in a sweep's journal. */
    private final String key;

    private final boolean builtIn;
    private final boolean lowerIsBetter;
    private final Function<PromptPair, int[]> positions;
    private final Function<PromptPair, Optional<int[]>> tokens;
    private final ToDoubleFunction<Reading> function;
    /** Null where the metric has none, or a function of one's own came without. */
    private final @Nullable Gradient gradient;

    /** The gradient of a metric with respect to the logits that it reads. */
    @FunctionalInterface
    public interface Gradient {
        /** Returns the gradient in the layout of {@link Logits#values}: {@code [positions, columns]}. */
        double[] of(Reading reading);
    }

    private Metric(
            String name,
            String quantity,
            String unit,
            String key,
            boolean builtIn,
            boolean lowerIsBetter,
            Function<PromptPair, int[]> positions,
            Function<PromptPair, Optional<int[]>> tokens,
            ToDoubleFunction<Reading> function,
            @Nullable Gradient gradient) {
        this.name = name;
        this.quantity = quantity;
        this.unit = unit;
        this.key = key;
        this.builtIn = builtIn;
        this.lowerIsBetter = lowerIsBetter;
        this.positions = positions;
        this.tokens = tokens;
        this.function = function;
        this.gradient = gradient;
    }

    /**
     * A metric of one's own, of all logits of the last position.
     *
     * <p>A function has no identity that outlives the program. A sweep that goes on from a journal knows the metric by
     * its name and unit, by its values on the runs without edits, and by measuring some of the journal's results again;
     * a function that was changed and agrees in all of these is taken for the same. Give a changed function another
     * name.
     *
     * @param name what it is called in tables and files
     * @param unit what it is measured in, such as {@code logits}; empty for a bare number
     * @param function gives the same number for the same reading, whenever it is asked
     */
    public static Metric of(String name, String unit, ToDoubleFunction<Reading> function) {
        return new Metric(
                name,
                name,
                unit,
                "Metric[name=" + name + ", unit=" + unit + "]",
                false,
                false,
                atRole(PromptPair.END),
                pair -> Optional.empty(),
                function,
                null);
    }

    /** This metric with its gradient, which methods that go back through the model need. */
    public Metric gradient(Gradient newGradient) {
        return new Metric(name, quantity, unit, key, builtIn, lowerIsBetter, positions, tokens, function, newGradient);
    }

    /** This metric under a longer description in tables and pictures. */
    public Metric quantity(String newQuantity) {
        return new Metric(name, newQuantity, unit, key, builtIn, lowerIsBetter, positions, tokens, function, gradient);
    }

    /** This metric, of which a smaller value is better, as of a loss. */
    public Metric whereLowerIsBetter() {
        return new Metric(name, quantity, unit, key, builtIn, true, positions, tokens, function, gradient);
    }

    /** This metric, read at the position of a role. */
    public Metric at(String role) {
        return reading(" at " + role, atRole(role), tokens);
    }

    /** This metric, read at positions that depend on the pair, ascending. */
    public Metric positions(Function<PromptPair, int[]> newPositions) {
        return reading(" at other positions", newPositions, tokens);
    }

    /** This metric, which reads no other tokens' logits than these, such as {@code PromptPair::answers}. */
    public Metric tokens(Function<PromptPair, int[]> newTokens) {
        return reading(" of some tokens", positions, pair -> Optional.of(newTokens.apply(pair)));
    }

    private Metric reading(
            String what, Function<PromptPair, int[]> newPositions, Function<PromptPair, Optional<int[]>> newTokens) {
        return new Metric(
                name, quantity, unit, key + what, false, lowerIsBetter, newPositions, newTokens, function, gradient);
    }

    /** Every built-in metric, reading the position of a role where it reads one. */
    public static List<Metric> all(String role) {
        return List.of(
                logitDifference(role),
                logit(role),
                logProbability(role),
                probabilityDifference(role),
                klToClean(role),
                crossEntropy(),
                accuracy(role));
    }

    /** Logit difference at the last position, the field's usual choice. */
    public static Metric logitDifference() {
        return logitDifference(PromptPair.END);
    }

    /** Mean logit of the answers less mean logit of the distractors: {@code logit-diff}, in logits. */
    public static Metric logitDifference(String role) {
        return new Metric(
                "logit-diff",
                "logit difference",
                "logits",
                key("LogitDifference", role),
                true,
                false,
                atRole(role),
                pair -> Optional.of(answersAndDistractors(pair)),
                reading -> meanLogit(reading, reading.pair().answers())
                        - meanLogit(reading, reading.pair().distractors()),
                MetricGradients::logitDifference);
    }

    /** Mean logit of the answers: {@code logit}, in logits. */
    public static Metric logit(String role) {
        return new Metric(
                "logit",
                "logit of the answer",
                "logits",
                key("Logit", role),
                true,
                false,
                atRole(role),
                pair -> Optional.of(pair.answers()),
                reading -> meanLogit(reading, reading.pair().answers()),
                MetricGradients::logit);
    }

    /** Logarithm of the probability that one of the answers comes next: {@code log-prob}, in nats. */
    public static Metric logProbability(String role) {
        return ofAllLogits(
                "log-prob",
                "log-probability of the answer",
                "nats",
                "LogProbability",
                role,
                MetricGradients::logProbability,
                reading -> {
                    double[] all = reading.logits().logProbabilities();
                    int[] answers = reading.pair().answers();
                    double largest = Arrays.stream(answers)
                            .mapToDouble(t -> all[t])
                            .max()
                            .orElseThrow();
                    // Against the largest, so that answers that are all unlikely do not vanish.
                    return largest
                            + Math.log(Arrays.stream(answers)
                                    .distinct()
                                    .mapToDouble(t -> Math.exp(all[t] - largest))
                                    .sum());
                });
    }

    /**
     * Probability that one of the answers comes next, less that of the distractors: {@code prob-diff}, a probability.
     */
    public static Metric probabilityDifference(String role) {
        return ofAllLogits(
                "prob-diff",
                "probability difference",
                "probability",
                "ProbabilityDifference",
                role,
                MetricGradients::probabilityDifference,
                reading -> {
                    double[] all = reading.logits().logProbabilities();
                    return probability(all, reading.pair().answers())
                            - probability(all, reading.pair().distractors());
                });
    }

    /**
     * Kullback-Leibler divergence of the run's next-token distribution from the clean run's, {@code sum p_clean (log
     * p_clean - log p)}: {@code kl}, in nats.
     */
    public static Metric klToClean(String role) {
        return ofAllLogits(
                        "kl",
                        "KL divergence from the clean run",
                        "nats",
                        "KlToClean",
                        role,
                        MetricGradients::klToClean,
                        reading -> {
                            double[] p = reading.clean().logProbabilities();
                            double[] q = reading.logits().logProbabilities();
                            double divergence = 0;
                            for (int i = 0; i < p.length; i++) {
                                divergence += Math.exp(p[i]) * (p[i] - q[i]);
                            }
                            return divergence;
                        })
                .whereLowerIsBetter();
    }

    /**
     * Mean over positions of minus the log-probability of the prompt's own next token, the loss of language modelling
     * on the prompt that ran: {@code cross-entropy}, in nats per token.
     */
    public static Metric crossEntropy() {
        return new Metric(
                "cross-entropy",
                "cross-entropy",
                "nats per token",
                "CrossEntropy[]",
                true,
                true,
                Metric::allButTheLast,
                pair -> Optional.empty(),
                reading -> {
                    int[] positions = allButTheLast(reading.pair());
                    return Arrays.stream(positions)
                                    .mapToDouble(p -> -reading.logits().logProbabilities(p)[reading.tokens()[p + 1]])
                                    .sum()
                            / positions.length;
                },
                MetricGradients::crossEntropy);
    }

    /** 1 if one of the answers is the likeliest next token, else 0: {@code accuracy}, a share of pairs. */
    public static Metric accuracy(String role) {
        return ofAllLogits("accuracy", "accuracy", "share of pairs", "Accuracy", role, null, reading -> {
            int likeliest = reading.logits().likeliest();
            return Arrays.stream(reading.pair().answers()).anyMatch(answer -> answer == likeliest) ? 1 : 0;
        });
    }

    private static Metric ofAllLogits(
            String name,
            String quantity,
            String unit,
            String kind,
            String role,
            @Nullable Gradient gradient,
            ToDoubleFunction<Reading> function) {
        return new Metric(
                name,
                quantity,
                unit,
                key(kind, role),
                true,
                false,
                atRole(role),
                pair -> Optional.empty(),
                function,
                gradient);
    }

    private static String key(String kind, String role) {
        return kind + "[role=" + role + "]";
    }

    private static Function<PromptPair, int[]> atRole(String role) {
        return pair -> new int[] {pair.position(role)};
    }

    private static int[] answersAndDistractors(PromptPair pair) {
        if (pair.distractors().length == 0) {
            throw new BadInputException(pair.name() + ": the metric logit-diff needs a distractor");
        }
        return IntStream.concat(Arrays.stream(pair.answers()), Arrays.stream(pair.distractors()))
                .distinct()
                .toArray();
    }

    static int[] allButTheLast(PromptPair pair) {
        if (pair.length() < 2) {
            throw new BadInputException(pair.name() + ": cross-entropy needs a prompt of at least two tokens");
        }
        return IntStream.range(0, pair.end()).toArray();
    }

    private static double meanLogit(Reading reading, int[] tokens) {
        return Arrays.stream(tokens)
                .mapToDouble(token -> reading.logits().at(token))
                .average()
                .orElseThrow();
    }

    static double probability(double[] logProbabilities, int[] tokens) {
        return Arrays.stream(tokens)
                .distinct()
                .mapToDouble(t -> Math.exp(logProbabilities[t]))
                .sum();
    }

    /** The name on a command line and in files, such as {@code logit-diff}. */
    public String name() {
        return name;
    }

    /** The quantity that it measures, in words. */
    public String quantity() {
        return quantity;
    }

    /** The unit of its values; empty for a bare number. */
    public String unit() {
        return unit;
    }

    /**
     * Positions whose logits it reads, ascending.
     *
     * @throws BadInputException if the pair lacks one
     */
    public int[] positions(PromptPair pair) {
        int[] chosen = positions.apply(pair);
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i] < 0 || chosen[i] >= pair.length() || (i > 0 && chosen[i] <= chosen[i - 1])) {
                throw new BadInputException(pair.name() + ": the metric " + name + " reads positions "
                        + Arrays.toString(chosen) + "; they must ascend and run from 0 to " + pair.end());
            }
        }
        if (chosen.length == 0) {
            throw new BadInputException(pair.name() + ": the metric " + name + " reads no position");
        }
        return chosen;
    }

    /** Token ids whose logits it reads there; empty for the whole vocabulary. */
    public Optional<int[]> tokens(PromptPair pair) {
        return tokens.apply(pair);
    }

    /** The metric of one run of one prompt. */
    public double measure(Reading reading) {
        return function.applyAsDouble(reading);
    }

    /**
     * The gradient of the metric of one run with respect to the logits that it reads, {@code [positions, columns]} in
     * the layout of {@link Logits#values}.
     *
     * @throws BadInputException if the metric has none
     */
    public float[] gradient(Reading reading) {
        double[] values = requireGradient().of(reading);
        if (values.length != reading.logits().values().length) {
            throw new BadShapeException(
                    "gradient of the metric " + name,
                    reading.logits().values().length + " values",
                    values.length + " values");
        }
        float[] rounded = new float[values.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = (float) values[i];
        }
        return rounded;
    }

    /**
     * Returns the metric's gradient.
     *
     * @throws BadInputException if the metric has none
     */
    public Gradient requireGradient() {
        if (gradient == null) {
            throw new BadInputException(
                    builtIn
                            ? "the metric " + name + " has no gradient, since small changes of the logits do not"
                                    + " change it; logit-diff, log-prob and prob-diff have one"
                            : "the metric " + name + " came without its gradient; give it one with Metric.gradient");
        }
        return gradient;
    }

    /** Returns whether the metric may read the clean run's logits: all but built-in ones that do not. */
    public boolean readsCleanRun() {
        return !builtIn || name.equals("kl");
    }

    /** Returns whether it is one of {@link #all}, whose name and role say what it computes. */
    public boolean isBuiltIn() {
        return builtIn;
    }

    /** Returns whether a smaller value is better, as of a loss. */
    public boolean isLowerBetter() {
        return lowerIsBetter;
    }

    /** Words that tell the metric from others, as far as words can; see {@link #of}. */
    @Override
    public String toString() {
        return key;
    }
}
