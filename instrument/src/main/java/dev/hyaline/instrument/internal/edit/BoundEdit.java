package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.edit.TargetPart;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One intervention at one hook point of one sequence, checked against the model. */
public final class BoundEdit {
    private static final int[] NO_HEADS = {Slot.NO_HEAD};

    private final Intervention intervention;
    private final HookPoint point;
    private final int sequence;
    private final int[] positions;
    private final int[] heads;
    /** Values per slot; of attention maps, of the last query. */
    private final int width;
    /** The only components to change, ascending, where the target chooses some. */
    private final int @Nullable [] components;

    /** The only subspace to change, where the target chooses one. */
    private final @Nullable Basis subspace;
    /** The subspace that {@link Intervention.ProjectOut} takes away. */
    private final @Nullable Basis removed;

    private final EditFunction change;

    /**
     * Checks an intervention.
     *
     * @param length where negative positions count from
     * @param bound positions that can be reached
     */
    public BoundEdit(
            Intervention intervention, HookPoint point, Gpt2Config config, int sequence, int length, int bound) {
        Target target = intervention.target();
        this.intervention = intervention;
        this.point = point;
        this.sequence = sequence;
        this.positions = target.positions().in(length, bound, "position");
        this.heads = heads(target, config);
        this.width = point.site().isMap() ? bound : point.site().placeWidth(config);
        this.components = target.part() instanceof TargetPart.Components chosen
                ? chosen.indices().in(point.site().isMap() ? length : width, width, componentName())
                : null;
        if (point.site().isMap() && components != null && components[0] > positions[positions.length - 1]) {
            throw new BadInputException("no chosen query of " + point + " sees a chosen key");
        }
        if (point.site().isMap() && target.part() instanceof TargetPart.Subspace) {
            throw new BadInputException("rows of " + point + " differ in length and have no common subspace");
        }
        this.subspace = target.part() instanceof TargetPart.Subspace span
                ? Basis.of(span.directions(), width, point.name())
                : null;
        this.removed = intervention instanceof Intervention.ProjectOut out ? removed(out) : null;
        if (intervention instanceof Intervention.SwapHeads && heads.length != 2) {
            throw new BadInputException("swapping needs two heads, found "
                    + (heads[0] == Slot.NO_HEAD ? point + ", which has none" : heads.length));
        }
        this.change = EditFunction.of(intervention, this);
    }

    private Basis removed(Intervention.ProjectOut projectOut) {
        if (point.site().isMap()) {
            throw new BadInputException("rows of " + point + " differ in length; no direction fits them all");
        }
        return Basis.of(projectOut.directions(), width, point.name());
    }

    private int[] heads(Target target, Gpt2Config config) {
        if (point.site().shape().byHead()) {
            return target.heads().in(config.nHeads(), "head");
        }
        if (!target.heads().isAll()) {
            throw new BadInputException(point + " has no heads to choose from");
        }
        return NO_HEADS;
    }

    private String componentName() {
        return switch (point.site().shape()) {
            case ATTENTION -> "key";
            case NEURONS -> "neuron";
            case LOGITS -> "token";
            default -> "component";
        };
    }

    public HookPoint point() {
        return point;
    }

    public int sequence() {
        return sequence;
    }

    public int[] positions() {
        return positions;
    }

    public int[] heads() {
        return heads;
    }

    public int @Nullable [] components() {
        return components;
    }

    @Nullable
    Basis subspace() {
        return subspace;
    }

    /** The subspace to project out, of an edit that does. */
    Basis removed() {
        return Objects.requireNonNull(removed);
    }

    EditFunction change() {
        return change;
    }

    public Intervention intervention() {
        return intervention;
    }

    /** Number of values in a slot. */
    public int width(int position) {
        return point.site().isMap() ? position + 1 : width;
    }

    /** Returns whether the two write a slot, or a value of a slot, in common. */
    public boolean overlaps(BoundEdit other) {
        return point.equals(other.point)
                && sequence == other.sequence
                && meet(positions, other.positions)
                && meet(heads, other.heads)
                && (components == null || other.components == null || meet(components, other.components));
    }

    private static boolean meet(int[] a, int[] b) {
        for (int i = 0, j = 0; i < a.length && j < b.length; ) {
            if (a[i] == b[j]) {
                return true;
            } else if (a[i] < b[j]) {
                i++;
            } else {
                j++;
            }
        }
        return false;
    }

    /** Changes the slots that are present, and returns whether there were any. */
    public boolean apply(SlotAccess slots) {
        boolean any = false;
        for (int position : positions) {
            if (!slots.has(position)) {
                continue;
            }
            any = true;
            if (intervention instanceof Intervention.SwapHeads) {
                swap(slots, position);
            } else {
                for (int head : heads) {
                    change(slots, position, head);
                }
            }
        }
        return any;
    }

    /**
     * Takes the gradient with respect to what the edit left back to that with respect to what it found, in the slots
     * that are present. With the part of a slot that may change as {@code S} and the change {@code f}, an edit is
     * {@code x + S (f(x) - x)}, and its gradient {@code g - S g + f'^T S g}.
     *
     * @return false for a function whose derivative is not known
     */
    public boolean pullBack(SlotAccess slots) {
        for (int position : positions) {
            if (!slots.has(position)) {
                continue;
            }
            if (intervention instanceof Intervention.SwapHeads) {
                float[] first = read(slots, position, heads[0]);
                float[] second = read(slots, position, heads[1]);
                double[] chosenFirst = chosen(first);
                double[] chosenSecond = chosen(second);
                slots.write(position, heads[0], exchanged(first, chosenFirst, chosenSecond));
                slots.write(position, heads[1], exchanged(second, chosenSecond, chosenFirst));
                continue;
            }
            for (int head : heads) {
                float[] gradient = read(slots, position, head);
                double[] chosen = chosen(gradient);
                double[] through;
                if (intervention instanceof Intervention.Custom custom) {
                    float[] before = narrowed(chosen);
                    if (!custom.function().pullBack(new Slot(point, sequence, position, head), before)) {
                        return false;
                    }
                    through = widened(before);
                } else {
                    through = throughChange(chosen);
                }
                slots.write(position, head, exchanged(gradient, chosen, through));
            }
        }
        return true;
    }

    private static float[] narrowed(double[] values) {
        float[] narrow = new float[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) values[i];
        }
        return narrow;
    }

    private static double[] widened(float[] values) {
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }

    /**
     * Returns what the values of each slot that is present gain as the edit's strength grows by 1, from the values that
     * it finds; null of an edit without a strength.
     */
    public @Nullable List<double[]> gains(SlotAccess slots) {
        @Nullable
        Intervention unit = switch (intervention) {
            case Intervention.Add add -> new Intervention.Add(add.target(), add.vector(), 1);
            case Intervention.Noise noise -> new Intervention.Noise(noise.target(), 1, noise.seed());
            case Intervention.Scale scale -> scale;
            default -> null;
        };
        if (unit == null) {
            return null;
        }
        EditFunction addition = EditFunction.of(unit, this);
        List<double[]> gains = new ArrayList<>();
        for (int position : positions) {
            for (int head : heads) {
                if (slots.has(position)) {
                    float[] gain = new float[width(position)];
                    if (unit instanceof Intervention.Scale) {
                        slots.read(position, head, gain);
                    } else {
                        addition.change(new Slot(point, sequence, position, head), gain);
                    }
                    gains.add(chosen(gain));
                }
            }
        }
        return gains;
    }

    /** The derivative with respect to the edit's strength, from the gradient at the values that it left. */
    public double strengthGradient(SlotAccess gradient, List<double[]> gains) {
        double sum = 0;
        int slot = 0;
        for (int position : positions) {
            for (int head : heads) {
                if (gradient.has(position)) {
                    float[] values = read(gradient, position, head);
                    double[] gain = gains.get(slot++);
                    for (int i = 0; i < values.length; i++) {
                        sum += values[i] * gain[i];
                    }
                }
            }
        }
        return sum;
    }

    private float[] read(SlotAccess slots, int position, int head) {
        float[] values = new float[width(position)];
        slots.read(position, head, values);
        return values;
    }

    /** {@code x - out + in}. */
    private static float[] exchanged(float[] x, double[] out, double[] in) {
        float[] values = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            values[i] = (float) (x[i] - out[i] + in[i]);
        }
        return values;
    }

    /** The part of a vector that the edit may change. */
    private double[] chosen(float[] x) {
        double[] part = new double[x.length];
        if (components != null) {
            for (int component : components) {
                if (component < x.length) {
                    part[component] = x[component];
                }
            }
            return part;
        }
        for (int i = 0; i < x.length; i++) {
            part[i] = x[i];
        }
        return subspace == null ? part : subspace.project(part);
    }

    /** A gradient through what the intervention makes of a slot. */
    private double[] throughChange(double[] gradient) {
        double[] through = new double[gradient.length];
        switch (intervention) {
            case Intervention.Add add -> System.arraycopy(gradient, 0, through, 0, gradient.length);
            case Intervention.Noise noise -> System.arraycopy(gradient, 0, through, 0, gradient.length);
            case Intervention.Scale scale -> {
                for (int i = 0; i < through.length; i++) {
                    through[i] = scale.factor() * gradient[i];
                }
            }
            case Intervention.ProjectOut out -> {
                double[] projection = Objects.requireNonNull(removed).project(gradient);
                for (int i = 0; i < through.length; i++) {
                    through[i] = gradient[i] - projection[i];
                }
            }
            default -> {
                // The values that it writes are constants.
            }
        }
        return through;
    }

    private void change(SlotAccess slots, int position, int head) {
        float[] before = new float[width(position)];
        slots.read(position, head, before);
        float[] after = before.clone();
        change.change(new Slot(point, sequence, position, head), after);
        slots.write(position, head, keepRest(before, after));
    }

    private void swap(SlotAccess slots, int position) {
        float[] first = new float[width(position)];
        float[] second = new float[first.length];
        slots.read(position, heads[0], first);
        slots.read(position, heads[1], second);
        slots.write(position, heads[0], keepRest(first, second));
        slots.write(position, heads[1], keepRest(second, first));
    }

    /** The values to write: {@code after} in the target's part, {@code before} elsewhere. */
    private float[] keepRest(float[] before, float[] after) {
        if (components != null) {
            float[] kept = before.clone();
            for (int component : components) {
                if (component < kept.length) {
                    kept[component] = after[component];
                }
            }
            return kept;
        }
        if (subspace != null && !Arrays.equals(before, after)) {
            double[] difference = new double[before.length];
            for (int i = 0; i < difference.length; i++) {
                difference[i] = (double) after[i] - before[i];
            }
            return EditFunction.plus(before, subspace.project(difference), 1);
        }
        return after;
    }
}
