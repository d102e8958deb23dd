package dev.hyaline.analysis.investigation.discovery;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A behaviour taken apart from the top: whether it is there, the attention and MLP blocks of each layer, their heads
 * and MLPs, and the queries, keys and values of heads and the neurons of MLPs. Each part is ablated alone. A part is
 * taken apart where its loss is clear and may reach the smallest effect, or where the mean absolute loss reaches it,
 * since opposite parts cancel in the mean. The level is inherited: a part's p value is adjusted by Holm over all parts
 * tested beside it, and is never below that of the part that it belongs to.
 *
 * @param levels from the behaviour down
 * @param end why the search ended where it did, in a sentence
 */
public record Hierarchy(List<HierarchyLevel> levels, String end) {
    /** The neurons of an MLP that are looked at: those with the largest mean activation, as a size. */
    public static final int NEURONS = 16;

    /** Why a part is taken apart, or not. */
    public enum Gate {
        /** Its loss is clear, and may reach the smallest effect. */
        BY_TEST,
        /** Its mean absolute loss reaches the smallest effect; what is found inside is not confirmed. */
        BY_SIZE,
        /** It is not. */
        CLOSED;

        /** In lower case, with hyphens. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * A part that was ablated alone.
     *
     * @param name such as {@code attention 1}, {@code 1.3}, {@code 1.3 q}, {@code 2.mlp[17]}
     * @param parent the part that it belongs to; empty of the behaviour
     * @param mean loss: the metric less that without the part; of the behaviour the metric itself
     * @param meanAbsolute mean size of the loss
     * @param interval of the mean; null with too few units or without spread
     * @param adjustedP two-sided
     */
    public record HierarchyPart(
            String name,
            String parent,
            double mean,
            double meanAbsolute,
            @Nullable Interval interval,
            double adjustedP,
            Gate gate) {}

    /** The parts of a level, in the order of a pass. */
    public record HierarchyLevel(String name, List<HierarchyPart> parts) {
        public HierarchyLevel {
            parts = List.copyOf(parts);
        }

        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    public Hierarchy {
        levels = List.copyOf(levels);
    }

    /**
     * The bounds of a search.
     *
     * @param smallestEffect in the metric's unit
     * @param level two-sided, for each level of the hierarchy
     */
    public record Bounds(double smallestEffect, double level, Replacement replacement) {
        /** @throws BadInputException if the effect is not above 0, or the level not between 0 and 1 */
        public Bounds {
            if (!(smallestEffect > 0) || Double.isInfinite(smallestEffect)) {
                throw new BadInputException("the smallest effect is a number above 0, found " + smallestEffect);
            }
            if (!(level > 0 && level < 1)) {
                throw new BadInputException("a level lies between 0 and 1, found " + level);
            }
        }
    }

    /** A part to ablate, and what it is made of. */
    private record Place(String name, Kind kind, int layer, int index, Target target) {
        private enum Kind {
            ATTENTION,
            MLP_BLOCK,
            HEAD,
            MLP,
            LEAF
        }
    }

    private record Open(Place place, double p) {}

    /**
     * Takes a behaviour apart.
     *
     * @param random the numbers of the study
     */
    public static Hierarchy run(Evidence evidence, Bounds bounds, CounterRandom random) {
        double[] clean = evidence.clean();
        Units units = evidence.experiment().pairs().units().orElse(Units.each(clean.length));
        List<HierarchyLevel> levels = new ArrayList<>();
        HierarchyPart whole =
                part("behaviour", "", clean, units, p(clean, units, random.named("behaviour")), bounds, random);
        levels.add(new HierarchyLevel("behaviour", List.of(whole)));
        if (whole.gate != Gate.BY_TEST || whole.mean < 0) {
            return new Hierarchy(levels, "the behaviour is not clearly there, so that there is nothing to take apart");
        }
        List<Open> open = new ArrayList<>();
        List<Place> places = blocks(evidence.experiment().config());
        List<String> parents = places.stream().map(place -> "behaviour").toList();
        double[] inherited = new double[places.size()];
        Arrays.fill(inherited, whole.adjustedP);
        for (String name : List.of("blocks", "heads and MLPs", "inputs of heads, and neurons")) {
            levels.add(level(name, evidence, places, parents, inherited, units, bounds, random, open));
            List<Place> next = new ArrayList<>();
            List<String> of = new ArrayList<>();
            List<Double> ps = new ArrayList<>();
            for (Open part : open) {
                for (Place inner : inside(part.place, evidence)) {
                    next.add(inner);
                    of.add(part.place.name);
                    ps.add(part.p);
                }
            }
            if (open.isEmpty()) {
                return new Hierarchy(
                        levels, "none of the " + name + " has a clear loss, or one as large as the smallest effect");
            }
            if (next.isEmpty()) {
                return new Hierarchy(levels, "the parts that are left have no parts of their own");
            }
            places = next;
            parents = of;
            inherited = ps.stream().mapToDouble(Double::doubleValue).toArray();
            open.clear();
        }
        throw new AssertionError("the last level has no parts inside");
    }

    private static HierarchyLevel level(
            String name,
            Evidence evidence,
            List<Place> places,
            List<String> parents,
            double[] inherited,
            Units units,
            Bounds bounds,
            CounterRandom random,
            List<Open> open) {
        double[] clean = evidence.clean();
        double[][] losses = evidence.edited(
                "each of the " + name + " " + places.stream().map(Place::name).toList() + " (" + bounds.replacement
                        + ")",
                Side.CLEAN,
                places.stream()
                        .<Evidence.PairEdits>map(
                                place -> pair -> List.of(evidence.replacement(place.target, pair, bounds.replacement)))
                        .toList());
        double[] p = new double[losses.length];
        for (int i = 0; i < losses.length; i++) {
            for (int pair = 0; pair < clean.length; pair++) {
                losses[i][pair] = clean[pair] - losses[i][pair];
            }
            p[i] = p(losses[i], units, random.named(places.get(i).name));
        }
        double[] adjusted = Adjustment.HOLM.adjust(p);
        List<HierarchyPart> parts = new ArrayList<>();
        for (int i = 0; i < losses.length; i++) {
            double own = Math.max(adjusted[i], inherited[i]);
            HierarchyPart part = part(places.get(i).name, parents.get(i), losses[i], units, own, bounds, random);
            parts.add(part);
            if (part.gate != Gate.CLOSED) {
                open.add(new Open(places.get(i), own));
            }
        }
        return new HierarchyLevel(name, parts);
    }

    private static double p(double[] values, Units units, CounterRandom random) {
        return SignFlip.test(values, units, random.named("sign-flip")).p().twoSided();
    }

    private static HierarchyPart part(
            String name,
            String parent,
            double[] values,
            Units units,
            double adjustedP,
            Bounds bounds,
            CounterRandom random) {
        Interval interval = VerdictInterval.of(
                        values,
                        units,
                        bounds.level / 2,
                        Bootstrap.REPLICATES,
                        random.named(name).named("bootstrap"))
                .map(VerdictInterval::interval)
                .orElse(null);
        double meanAbsolute = Arrays.stream(values).map(Math::abs).sum() / values.length;
        boolean reaches = interval != null
                && Math.max(Math.abs(interval.low()), Math.abs(interval.high())) >= bounds.smallestEffect;
        Gate gate = Gate.CLOSED;
        if (adjustedP <= bounds.level && reaches) {
            gate = Gate.BY_TEST;
        } else if (meanAbsolute >= bounds.smallestEffect) {
            gate = Gate.BY_SIZE;
        }
        return new HierarchyPart(
                name, parent, Arrays.stream(values).sum() / values.length, meanAbsolute, interval, adjustedP, gate);
    }

    private static List<Place> blocks(Gpt2Config config) {
        List<Place> blocks = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            blocks.add(new Place("attention " + layer, Place.Kind.ATTENTION, layer, -1, Target.of(Site.Z, layer)));
            blocks.add(
                    new Place("MLP block " + layer, Place.Kind.MLP_BLOCK, layer, -1, Target.of(Site.MLP_OUT, layer)));
        }
        return blocks;
    }

    private static List<Place> inside(Place place, Evidence evidence) {
        Gpt2Config config = evidence.experiment().config();
        List<Place> inside = new ArrayList<>();
        switch (place.kind) {
            case ATTENTION -> {
                for (int head = 0; head < config.nHeads(); head++) {
                    inside.add(new Place(
                            place.layer + "." + head,
                            Place.Kind.HEAD,
                            place.layer,
                            head,
                            Target.of(Site.Z, place.layer).heads(head)));
                }
            }
            case MLP_BLOCK ->
                inside.add(new Place("mlp " + place.layer, Place.Kind.MLP, place.layer, -1, place.target));
            case HEAD -> {
                for (Site site : List.of(Site.Q, Site.K, Site.V)) {
                    inside.add(new Place(
                            place.name + " " + site.name().toLowerCase(Locale.ROOT),
                            Place.Kind.LEAF,
                            place.layer,
                            place.index,
                            Target.of(site, place.layer).heads(place.index)));
                }
            }
            case MLP -> {
                for (int neuron : LoudestNeurons.of(evidence, place.layer, NEURONS)) {
                    inside.add(new Place(
                            place.layer + ".mlp[" + neuron + "]",
                            Place.Kind.LEAF,
                            place.layer,
                            neuron,
                            Target.of(Site.MLP_POST, place.layer).components(neuron)));
                }
            }
            case LEAF -> {
                // It has no parts.
            }
        }
        return inside;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
