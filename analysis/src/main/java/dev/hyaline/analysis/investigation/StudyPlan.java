package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.statistics.power.Spending;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The parts of an investigation's file that say what is studied, and how. */
public final class StudyPlan {
    private StudyPlan() {}

    /**
     * The behaviour under study.
     *
     * @param tasks that pairs are drawn for, as many for each; empty where the prompts are a file's
     * @param metric by {@link Metric#name()}
     * @param at role at which the metric is read
     * @param meanAtLeast the mean metric below which the behaviour is not there
     * @param accuracyAtLeast the share of prompts with a metric above 0 below which it is not there
     */
    public record Behaviour(List<Task> tasks, String metric, String at, double meanAtLeast, double accuracyAtLeast) {
        public Behaviour {
            tasks = List.copyOf(tasks);
        }

        /** The metric. */
        public Metric measure() {
            return Metric.all(at).stream()
                    .filter(known -> known.name().equals(metric))
                    .findFirst()
                    .orElseThrow(() -> new BadInputException("there is no metric " + metric + "; there are "
                            + Metric.all(at).stream().map(Metric::name).toList()));
        }

        /** Returns whether the behaviour is there, by the metric of prompts. */
        public boolean isPresent(double[] values) {
            double mean = Arrays.stream(values).average().orElse(Double.NaN);
            double share =
                    (double) Arrays.stream(values).filter(value -> value > 0).count() / values.length;
            return mean >= meanAtLeast && share >= accuracyAtLeast;
        }
    }

    /** The prompts whose values stand in for what is ablated. */
    public enum ReferencePrompts {
        /** The clean prompts of the discovery half. */
        CLEAN,
        /** Their corrupted ones. */
        CORRUPTED,
        /** Prompts of three unrelated names, of the indirect-object tasks. */
        ABC;

        /** In lower case. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Prompts from the documents of a corpus that was dumped. The clean prompt of a pair is the beginning of a document
     * and its answer the token that comes next; the corrupted one is the beginning of another, whose next token is the
     * distractor.
     *
     * @param dump the folder of the dump
     * @param length tokens of a prompt
     */
    public record CorpusPrompts(String dump, int length) {}

    /**
     * The prompts.
     *
     * @param file of pairs; null where they are drawn for the behaviour's tasks, or from a corpus
     * @param corpus null where they are drawn for the behaviour's tasks, or a file's
     * @param discovery most pairs to find the circuit on
     * @param heldOut most pairs to test the claims on
     * @param units the role whose token is a pair's unit, or {@link #EACH}; null for the units that pairs come with
     * @param strata the factors that were listed in full, whose levels claims are looked at by
     * @param splitBy roles whose tokens the halves do not share; none if they share no unit
     */
    public record PromptPlan(
            @Nullable String file,
            @Nullable CorpusPrompts corpus,
            int discovery,
            int heldOut,
            @Nullable String units,
            List<String> strata,
            List<String> splitBy,
            ReferencePrompts reference) {
        /** Every prompt is a unit of its own. */
        public static final String EACH = "prompt";

        /** The factors that there are: the template, and the order of the roles in it. */
        public static final List<String> FACTORS = List.of("template", "order");

        public PromptPlan {
            strata = List.copyOf(strata);
            splitBy = List.copyOf(splitBy);
        }

        /** The file or folder that pairs come from; null where they are drawn for the behaviour's tasks. */
        public @Nullable String source() {
            return corpus != null ? corpus.dump : file;
        }
    }

    /**
     * A search for the circuit that claims name.
     *
     * @param replacement of what is ablated
     * @param tau share of the gap that the circuit may lack
     */
    public record CircuitSearch(Treatment.Candidates of, Treatment.Replacement replacement, double tau) {}

    /**
     * A dictionary that is learned from the discovery half's values at a site, and whose features are ablated there.
     *
     * @param site with one row a token
     * @param atoms 0 for ten a dimension
     * @param latents that a token may use
     * @param steps batches that it is trained on
     */
    public record DictionaryPlan(HookPoint site, int atoms, int latents, int steps) {}

    /**
     * An autoencoder whose latents claims name.
     *
     * @param file or folder of its parameters
     * @param site that it is attached to; null for the one that its files name
     */
    public record AutoencoderPlan(String file, @Nullable HookPoint site) {}

    /**
     * The design of the tests.
     *
     * @param alpha two-sided level: claims with a direction take half
     * @param power the chance that a claim should have to be confirmed if it is true with room to spare
     * @param pilot most pairs of the discovery half that the spread is first measured on
     * @param looks how often the held-out half is looked at
     * @param spending how the level is spent on the looks
     */
    public record TestDesign(double alpha, double power, int pilot, int looks, Spending spending) {
        /** The power that is asked for where a file says none. */
        static final double POWER = 0.9;
        /** The pilot's pairs where a file says none. */
        static final int PILOT = 12;

        /** One look, and the usual power. */
        public TestDesign(double alpha) {
            this(alpha, POWER, PILOT, 1, Spending.OBRIEN_FLEMING);
        }

        /** The level of a claim. */
        public double level(Expectation expectation) {
            return expectation instanceof Expectation.NoEffect ? alpha : alpha / 2;
        }
    }

    /**
     * The checks of a study beside its claims.
     *
     * @param sanity whether the sanity checks are run; without them the hypothesis is not supported
     * @param robustness whether the finding is repeated under variations; likewise
     */
    public record CheckPlan(boolean sanity, boolean robustness) {
        /** Everything. */
        static final CheckPlan ALL = new CheckPlan(true, true);
    }

    static Optional<List<Task>> tasks(String name) {
        if (name.equals("ioi")) {
            return Optional.of(List.of(Task.IOI_ABBA, Task.IOI_BABA));
        }
        return Stream.of(Task.values())
                .filter(task -> task.toString().equals(name))
                .findFirst()
                .map(List::of);
    }

    static List<String> taskNames() {
        return Stream.concat(Stream.of("ioi"), Stream.of(Task.values()).map(Task::toString))
                .toList();
    }

    static String taskName(List<Task> tasks) {
        return tasks.size() == 1 ? tasks.getFirst().toString() : "ioi";
    }
}
