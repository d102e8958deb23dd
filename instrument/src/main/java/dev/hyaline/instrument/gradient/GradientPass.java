package dev.hyaline.instrument.gradient;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.Tape;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.PromptPass;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.InterventionProbe;
import dev.hyaline.instrument.run.InterventionProbe.StrengthReader;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Passes over prompts, forward and then back from an objective, whose reader is shown gradients in place of values:
 * from the last point to the first, with the shapes of the values. Wherever passes can be given, gradients can be had
 * so: in a {@link Gradients}, a {@link dev.hyaline.instrument.dump.Dump}, or a listener of one's own. Immutable.
 */
public final class GradientPass implements PromptPass {
    private final Gpt2 model;
    private final Prompts prompts;
    private final Objective objective;
    private final Interventions interventions;
    private final Set<HookPoint> stops;
    private final Probe values;
    private final @Nullable StrengthReader strengths;

    private GradientPass(
            Gpt2 model,
            Prompts prompts,
            Objective objective,
            Interventions interventions,
            Set<HookPoint> stops,
            Probe values,
            @Nullable StrengthReader strengths) {
        this.model = model;
        this.prompts = prompts;
        this.objective = objective;
        this.interventions = interventions;
        this.stops = stops;
        this.values = values;
        this.strengths = strengths;
    }

    /** Passes of a model as it is. */
    public static GradientPass of(Gpt2 model, Prompts prompts, Objective objective) {
        return new GradientPass(model, prompts, objective, Interventions.of(), Set.of(), Probe.NONE, null);
    }

    /**
     * The same with interventions in the forward pass. Gradients are those with respect to the values that they leave;
     * on the way back zeroed, patched, written, mean and resampled values are constants, at which the gradient stops,
     * scaled ones pass it on scaled, and added vectors and noise pass it on as it is. A function says itself how
     * ({@link dev.hyaline.instrument.edit.Intervention.SlotFunction#pullBack}).
     */
    public GradientPass edited(Interventions newInterventions) {
        return new GradientPass(model, prompts, objective, newInterventions, stops, values, strengths);
    }

    /**
     * The same with gradients that stop at these points: they are shown there, and nothing before gets a share of them.
     */
    public GradientPass stopping(List<HookPoint> points) {
        return new GradientPass(model, prompts, objective, interventions, Set.copyOf(points), values, strengths);
    }

    /** The same with a reader of the forward pass's values, which must change none. */
    public GradientPass reading(Probe newValues) {
        return new GradientPass(model, prompts, objective, interventions, stops, newValues, strengths);
    }

    /**
     * The same with one who is told, after each pass, the derivative with respect to the strength of each intervention
     * that has one, for each prompt: the coefficient of an added vector, a factor, the deviation of noise.
     *
     * @param newStrengths is given the index among the prompts
     */
    public GradientPass strengths(StrengthReader newStrengths) {
        return new GradientPass(model, prompts, objective, interventions, stops, values, newStrengths);
    }

    @Override
    public ForwardResult forward(int first, int end, LogitSelection logits, Probe reader) {
        List<Sequence> batch = IntStream.range(first, end)
                .mapToObj(s -> Sequence.of(prompts.tokens(s)))
                .toList();
        int[] asked = asked(first, end, logits);
        int[] rows = IntStream.concat(objectiveRows(first, end), IntStream.of(asked))
                .sorted()
                .distinct()
                .toArray();
        InterventionProbe edits = InterventionProbe.of(interventions, model.config(), prompts, first, end)
                .then(values);
        edits = strengths == null ? edits : edits.measuringStrengths();
        Tape tape = model.record(
                ForwardRequest.of(batch).logits(LogitSelection.rows(rows)).probe(edits));
        edits.requireAllFired();
        tape.backward(gradient(first, end, rows, tape.result()), new Stopping(reader));
        if (strengths != null) {
            edits.strengths((edit, sequence, derivative) -> strengths.strength(edit, first + sequence, derivative));
        }
        return rowsOf(tape.result(), asked);
    }

    private int[] asked(int first, int end, LogitSelection logits) {
        int[] ends = IntStream.range(first, end).map(prompts::length).toArray();
        Arrays.parallelPrefix(ends, Integer::sum);
        return switch (logits.rows()) {
            case NONE -> new int[0];
            case ALL -> IntStream.range(0, ends[ends.length - 1]).toArray();
            case LAST -> IntStream.of(ends).map(next -> next - 1).toArray();
            case CHOSEN -> logits.chosenRows();
        };
    }

    private static ForwardResult rowsOf(ForwardResult result, int[] asked) {
        int n = result.columns();
        float[] logits = new float[asked.length * n];
        for (int i = 0; i < asked.length; i++) {
            int at = Arrays.binarySearch(result.rows(), asked[i]);
            System.arraycopy(result.logits(), at * n, logits, i * n, n);
        }
        return new ForwardResult(logits, asked, n, result.residual());
    }

    /** The rows that the objective reads. */
    private IntStream objectiveRows(int first, int end) {
        IntStream.Builder rows = IntStream.builder();
        int firstRow = 0;
        for (int s = first; s < end; s++) {
            for (int position : objective.positions(s)) {
                rows.add(firstRow + position);
            }
            firstRow += prompts.length(s);
        }
        return rows.build();
    }

    private float[] gradient(int first, int end, int[] rows, ForwardResult result) {
        int n = result.columns();
        float[] all = new float[result.logits().length];
        int firstRow = 0;
        for (int s = first; s < end; s++) {
            int[] positions = objective.positions(s);
            float[] read = new float[positions.length * n];
            int[] at = new int[positions.length];
            for (int i = 0; i < positions.length; i++) {
                at[i] = Arrays.binarySearch(rows, firstRow + positions[i]) * n;
                System.arraycopy(result.logits(), at[i], read, i * n, n);
            }
            float[] gradient = objective.gradient(s, read);
            if (gradient.length != read.length) {
                throw new BadShapeException(
                        "gradient of the objective for " + prompts.name(s),
                        "[" + positions.length + ", " + n + "] (" + read.length + " values)",
                        gradient.length + " values");
            }
            for (int i = 0; i < positions.length; i++) {
                System.arraycopy(gradient, i * n, all, at[i], n);
            }
            firstRow += prompts.length(s);
        }
        return all;
    }

    /** Shows a reader what it wants, and stops gradients. */
    private final class Stopping implements Probe {
        private final Probe reader;

        Stopping(Probe reader) {
            this.reader = reader;
        }

        @Override
        public boolean wants(HookPoint point) {
            return reader.wants(point) || stops.contains(point);
        }

        @Override
        public boolean reads(HookPoint point, int sequence, int position) {
            // What an intervention's strength does is summed over all positions.
            return stops.contains(point) || strengths != null || reader.reads(point, sequence, position);
        }

        @Override
        public boolean changes(HookPoint point) {
            return stops.contains(point) || reader.changes(point);
        }

        @Override
        public void at(HookPoint point, Activation gradient) {
            if (reader.wants(point)) {
                reader.at(point, gradient);
            }
            if (stops.contains(point)) {
                Arrays.fill(gradient.values(), 0, gradient.offset(gradient.sequences()), 0);
            }
        }
    }

    @Override
    public String toString() {
        return "gradients of an objective of " + prompts;
    }
}
