package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The effect of an intervention on the values of a slot. A change by nothing keeps every bit, the sign of a zero too.
 */
@FunctionalInterface
interface EditFunction {
    void change(Slot slot, float[] values);

    static EditFunction of(Intervention intervention, BoundEdit at) {
        return switch (intervention) {
            case Intervention.Zero zero -> (slot, values) -> Arrays.fill(values, 0);
            case Intervention.Mean mean -> mean.means()::read;
            case Intervention.Resample resample -> resample(resample, at);
            case Intervention.Patch patch -> patch(patch, at);
            case Intervention.Write set -> set(Spread.of(set.value(), at));
            case Intervention.Add add -> add(Spread.of(add.vector(), at), add.coefficient());
            case Intervention.Scale scale ->
                (slot, values) -> {
                    for (int i = 0; i < values.length; i++) {
                        values[i] *= scale.factor();
                    }
                };
            case Intervention.ProjectOut projectOut -> projectOut(at.removed());
            case Intervention.SwapHeads swap ->
                (slot, values) -> {
                    throw new AssertionError("heads are swapped in pairs");
                };
            case Intervention.Noise noise -> noise(noise);
            case Intervention.Custom function -> function.function()::change;
        };
    }

    private static EditFunction patch(Intervention.Patch patch, BoundEdit at) {
        int from = patch.sequence() == null ? at.sequence() : patch.sequence();
        if (from < 0 || from >= patch.source().sequences()) {
            throw bad(
                    patch.source(),
                    "there is no sequence " + from + " to patch from: sequences run from 0 to "
                            + (patch.source().sequences() - 1));
        }
        for (int position : at.positions()) {
            requireHeld(patch.source(), at, from, position);
        }
        return copy(patch.source(), from);
    }

    private static EditFunction resample(Intervention.Resample resample, BoundEdit at) {
        int last = at.positions()[at.positions().length - 1];
        ActivationSource reference = resample.reference();
        int[] longEnough = IntStream.iterate(
                        reference.nextSequence(0), s -> s < reference.sequences(), s -> reference.nextSequence(s + 1))
                .filter(s -> reference.length(s) > last)
                .toArray();
        if (longEnough.length == 0) {
            throw bad(reference, "no sequence of the reference set has a position " + last);
        }
        long drawn = CounterRandom.of(resample.seed()).with(at.sequence()).bits(0);
        int from = longEnough[(int) Long.remainderUnsigned(drawn, longEnough.length)];
        for (int position : at.positions()) {
            requireHeld(reference, at, from, position);
        }
        return copy(reference, from);
    }

    private static void requireHeld(ActivationSource source, BoundEdit at, int sequence, int position) {
        if (position >= source.length(sequence)) {
            throw bad(source, "sequence " + sequence + " of the source ends before position " + position);
        }
        if (!source.holds(at.point(), sequence, position)) {
            throw bad(source, "the source holds no " + at.point() + " at position " + position);
        }
    }

    private static BadInputException bad(ActivationSource source, String what) {
        return new BadInputException(source.dump().map(folder -> folder + ": ").orElse("") + what);
    }

    private static EditFunction copy(ActivationSource source, int sequence) {
        return (slot, values) -> source.read(new Slot(slot.point(), sequence, slot.position(), slot.head()), values);
    }

    private static EditFunction set(Spread value) {
        return (slot, values) -> {
            for (int i = 0; i < values.length; i++) {
                values[i] = value.at(i);
            }
        };
    }

    private static EditFunction add(Spread vector, float coefficient) {
        return (slot, values) -> {
            for (int i = 0; i < values.length; i++) {
                float added = coefficient * vector.at(i);
                if (added != 0) {
                    values[i] += added;
                }
            }
        };
    }

    private static EditFunction projectOut(Basis basis) {
        return (slot, values) -> {
            double[] x = new double[values.length];
            for (int i = 0; i < x.length; i++) {
                x[i] = values[i];
            }
            System.arraycopy(plus(values, basis.project(x), -1), 0, values, 0, values.length);
        };
    }

    private static EditFunction noise(Intervention.Noise noise) {
        CounterRandom random = CounterRandom.of(noise.seed());
        return (slot, values) -> {
            CounterRandom ofSlot = random.with(slot.point().name().hashCode())
                    .with(slot.sequence())
                    .with(slot.position())
                    .with(slot.head());
            for (int i = 0; i < values.length; i++) {
                float added = (float) (noise.deviation() * ofSlot.gaussian(i));
                if (added != 0) {
                    values[i] += added;
                }
            }
        };
    }

    /** {@code x + factor * y}, rounded once. */
    static float[] plus(float[] x, double[] y, int factor) {
        float[] sum = x.clone();
        for (int i = 0; i < sum.length; i++) {
            if (y[i] != 0) {
                sum[i] = (float) (x[i] + factor * y[i]);
            }
        }
        return sum;
    }

    /** A vector given for the whole slot, for its chosen components, or as one number for all. */
    record Spread(float[] values, boolean single) {
        static Spread of(Direction vector, BoundEdit at) {
            // A row of one value in a file is more likely a column that was meant as a vector.
            if (vector.length() == 1 && vector.source().isEmpty()) {
                return new Spread(vector.values(), true);
            }
            int[] components = at.components();
            if (components != null && vector.length() == components.length) {
                float[] spread = new float[components[components.length - 1] + 1];
                for (int i = 0; i < components.length; i++) {
                    spread[components[i]] = vector.get(i);
                }
                return new Spread(spread, false);
            }
            for (int position : at.positions()) {
                if (vector.length() != at.width(position)) {
                    throw new BadShapeException(
                            vector.source().map(Direction.Source::toString).orElse("a vector") + " at " + at.point()
                                    + (at.point().site().isMap() ? ", query " + position : ""),
                            "[" + at.width(position) + "]",
                            "[" + vector.length() + "]");
                }
            }
            return new Spread(vector.values(), false);
        }

        float at(int index) {
            return single ? values[0] : index < values.length ? values[index] : 0;
        }
    }
}
