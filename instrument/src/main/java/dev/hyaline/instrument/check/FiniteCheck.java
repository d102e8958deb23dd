package dev.hyaline.instrument.check;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.PromptPass;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.gradient.GradientPass;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.instrument.internal.Batches;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import dev.hyaline.instrument.run.EditedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A search for the first value that is not finite, in the order in which passes come to values: forward through all
 * prompts and then, if all is finite, back from an objective; with the size of values and gradients on the way there.
 */
public final class FiniteCheck {
    /** The pass that a value belongs to. */
    public enum Pass {
        FORWARD,
        BACKWARD
    }

    /**
     * A value that is not finite.
     *
     * @param sequence index among the prompts
     * @param position of its token; at attention maps, of the query
     * @param token the id of the token there
     * @param head null at sites without heads
     * @param channel index in the head's or the token's row; at attention maps, of the key
     * @param value infinite, or not a number
     */
    public record Place(
            Pass pass,
            HookPoint point,
            int sequence,
            int position,
            int token,
            @Nullable Integer head,
            int channel,
            float value) {}

    /**
     * The size of what is finite at a point, over all prompts.
     *
     * @param rootMeanSquare of the values
     * @param largest absolute value
     */
    public record Size(Pass pass, HookPoint point, double rootMeanSquare, double largest) {}

    /**
     * The last values that are finite.
     *
     * @param point the one before the first value that is not, in the order of the pass
     * @param largest absolute value there at the same token; at attention maps, of the query
     */
    public record Before(HookPoint point, float largest) {}

    /**
     * An edit upstream of the first value that is not finite.
     *
     * @param point where it wrote
     */
    public record Edit(Intervention intervention, HookPoint point) {}

    private final Gpt2Config config;
    private final Prompts prompts;
    private final Interventions edits;
    private final Map<HookPoint, Sum> sums = new LinkedHashMap<>();
    private final List<Size> sizes = new ArrayList<>();
    private Pass pass = Pass.FORWARD;
    private @Nullable Place first;
    private @Nullable Before before;

    private static final class Sum {
        /** {@code [prompts][positions]}. */
        private final float[][] largestAt;

        private double squares;
        private double largest;
        private long count;

        Sum(Prompts prompts) {
            largestAt = new float[prompts.size()][];
            Arrays.setAll(largestAt, s -> new float[prompts.length(s)]);
        }
    }

    private FiniteCheck(Gpt2Config config, Prompts prompts, Interventions edits) {
        this.config = config;
        this.prompts = prompts;
        this.edits = edits;
    }

    /**
     * Runs prompts forward and, if all values are finite, back.
     *
     * @throws BadInputException if the objective does not fit the prompts
     */
    public static FiniteCheck of(Gpt2 model, Prompts prompts, Objective objective) {
        return of(model, prompts, Interventions.of(), objective);
    }

    /**
     * As {@link #of(Gpt2, Prompts, Objective)}, with interventions in every pass.
     *
     * @throws BadInputException if the objective or an intervention does not fit the prompts
     */
    public static FiniteCheck of(Gpt2 model, Prompts prompts, Interventions edits, Objective objective) {
        FiniteCheck check = new FiniteCheck(model.config(), prompts, edits);
        check.run(EditedModel.of(model, edits).passes(prompts), LogitSelection.all());
        if (check.first == null) {
            check.pass = Pass.BACKWARD;
            check.run(GradientPass.of(model, prompts, objective).edited(edits), LogitSelection.none());
        }
        return check;
    }

    /** The first value that is not finite; empty if all are. */
    public Optional<Place> first() {
        return Optional.ofNullable(first);
    }

    /** The last finite values before the first that is not; empty if all are finite, or none came before. */
    public Optional<Before> before() {
        return Optional.ofNullable(before);
    }

    /**
     * The edit nearest upstream of the first value that is not finite: the last one that the pass came to which can
     * have changed that value. Of a gradient, an edit on its way back or else the last one forward.
     */
    public Optional<Edit> nearestEdit() {
        if (first == null) {
            return Optional.empty();
        }
        Place place = first;
        int length = prompts.length(place.sequence);
        List<BoundEdit> upstream = BoundEdits.bind(edits, config, prompts.size(), place.sequence, length, length);
        Predicate<BoundEdit> reaches = edit -> reaches(edit, place);
        Optional<BoundEdit> nearest = place.pass == Pass.FORWARD
                ? upstream.reversed().stream().filter(reaches).findFirst()
                : upstream.stream()
                        .filter(reaches)
                        .findFirst()
                        .or(() -> upstream.reversed().stream().findFirst());
        return nearest.map(edit -> new Edit(edit.intervention(), edit.point()));
    }

    private static boolean reaches(BoundEdit edit, Place place) {
        boolean forward = place.pass == Pass.FORWARD;
        int order = edit.point().compareTo(place.point);
        if (order == 0) {
            return IntStream.of(edit.positions()).anyMatch(position -> position == place.position)
                    && (place.head == null || IntStream.of(edit.heads()).anyMatch(head -> head == place.head));
        }
        return forward == order < 0
                && IntStream.of(edit.positions())
                        .anyMatch(position -> forward ? position <= place.position : position >= place.position);
    }

    /** Sizes in the order of the passes, to the point of {@link #first}. */
    public List<Size> sizes() {
        return List.copyOf(sizes);
    }

    private void run(PromptPass passes, LogitSelection logits) {
        sums.clear();
        Map<HookPoint, Place> bad = new LinkedHashMap<>();
        Batches.run(
                prompts.size(),
                prompts::length,
                (begin, end) -> passes.forward(begin, end, logits, new Probe() {
                    @Override
                    public boolean wants(HookPoint point) {
                        return !point.site().onRequest();
                    }

                    @Override
                    public void at(HookPoint point, Activation values) {
                        look(point, values, begin, bad);
                    }
                }));
        HookPoint last = null;
        for (Map.Entry<HookPoint, Sum> entry : sums.entrySet()) {
            Sum sum = entry.getValue();
            sizes.add(new Size(pass, entry.getKey(), Math.sqrt(sum.squares / Math.max(1, sum.count)), sum.largest));
            if (bad.containsKey(entry.getKey())) {
                Place place = Objects.requireNonNull(bad.get(entry.getKey()));
                first = place;
                if (last != null) {
                    before = new Before(
                            last, Objects.requireNonNull(sums.get(last)).largestAt[place.sequence][place.position]);
                }
                return;
            }
            last = entry.getKey();
        }
    }

    private void look(HookPoint point, Activation values, int begin, Map<HookPoint, Place> bad) {
        Sum sum = sums.computeIfAbsent(point, p -> new Sum(prompts));
        for (int s = 0; s < values.sequences(); s++) {
            for (int i = 0; i < values.size(s); i++) {
                float value = values.values()[values.offset(s) + i];
                if (Float.isFinite(value)) {
                    sum.squares += (double) value * value;
                    sum.largest = Math.max(sum.largest, Math.abs(value));
                    sum.count++;
                    float[] largestAt = sum.largestAt[begin + s];
                    int position = position(point, values, s, i);
                    largestAt[position] = Math.max(largestAt[position], Math.abs(value));
                } else if (!isMasked(point, values, s, i, value)) {
                    bad.putIfAbsent(point, place(point, values, begin, s, i));
                }
            }
        }
    }

    /** Scores of later keys are minus infinity as they should be. */
    private static boolean isMasked(HookPoint point, Activation values, int s, int index, float value) {
        int keys = values.keys(s);
        return point.site() == Site.ATTN_SCORES
                && value == Float.NEGATIVE_INFINITY
                && index % keys > index / keys % keys;
    }

    private static int position(HookPoint point, Activation values, int s, int index) {
        int keys = values.keys(s);
        return point.site().isMap()
                ? index / keys % keys
                : values.position(values.firstRow(s) + index / values.width());
    }

    private Place place(HookPoint point, Activation values, int begin, int s, int index) {
        Site site = point.site();
        int width = site.isMap() ? values.keys(s) : values.width();
        int row = index / width;
        int position = position(point, values, s, index);
        int perHead = site.isMap() || !site.shape().byHead() ? width : width / config.nHeads();
        Integer head = site.isMap()
                ? Integer.valueOf(row / values.keys(s))
                : site.shape().byHead() ? index % width / perHead : null;
        return new Place(
                pass,
                point,
                begin + s,
                position,
                prompts.token(begin + s, position),
                head,
                index % width % perHead,
                values.values()[values.offset(s) + index]);
    }

    @Override
    public String toString() {
        return "check of " + prompts + " for values that are not finite";
    }
}
