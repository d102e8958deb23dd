package dev.hyaline.analysis.investigation.discovery;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The effect of two components together beyond what each has: {@code y_AB - y_A - y_B + y_0} of the metric y with both,
 * one or none ablated, pair of prompts by pair.
 *
 * @param mean over the pairs
 * @param interval null with too few units or without spread
 * @param adjustedP two-sided, of the sign-flip test, by Holm over all that were measured together
 * @param values by pair
 */
public record ComponentInteraction(
        ClaimComponent first,
        ClaimComponent second,
        double mean,
        @Nullable Interval interval,
        double adjustedP,
        List<Double> values) {
    /** What an interaction says of two components. */
    public enum Relation {
        /** Losing both costs more than the sum of their losses. */
        REDUNDANT,
        /** One pathway, which either breaks. */
        SERIAL,
        /** Neither is clear. */
        UNCLEAR;

        /** In lower case. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public ComponentInteraction {
        values = List.copyOf(values);
    }

    /** What it says, by its adjusted p and sign. */
    public Relation relation(double level) {
        if (!(adjustedP <= level)) {
            return Relation.UNCLEAR;
        }
        return mean < 0 ? Relation.REDUNDANT : Relation.SERIAL;
    }

    /**
     * Measures every two of some components.
     *
     * @param tail left on each side of the intervals
     * @param random the numbers of a label
     * @throws BadInputException if there are fewer than two components
     */
    public static List<ComponentInteraction> measure(
            Evidence evidence,
            List<ClaimComponent> components,
            Replacement replacement,
            double tail,
            Function<String, CounterRandom> random) {
        int n = components.size();
        if (n < 2) {
            throw new BadInputException("an interaction is of two components, found " + n);
        }
        List<List<ClaimComponent>> sets = new ArrayList<>();
        components.forEach(component -> sets.add(List.of(component)));
        for (int a = 0; a < n; a++) {
            for (int b = a + 1; b < n; b++) {
                sets.add(List.of(components.get(a), components.get(b)));
            }
        }
        double[][] metric = evidence.runEach(new Treatment.AblateComponents(replacement), sets);
        double[] clean = evidence.clean();
        Units units = evidence.experiment().pairs().units().orElse(Units.each(clean.length));
        double[][] values = new double[sets.size() - n][clean.length];
        double[] p = new double[values.length];
        int cell = 0;
        for (int a = 0; a < n; a++) {
            for (int b = a + 1; b < n; b++, cell++) {
                for (int pair = 0; pair < clean.length; pair++) {
                    values[cell][pair] = metric[n + cell][pair] - metric[a][pair] - metric[b][pair] + clean[pair];
                }
                p[cell] = SignFlip.test(
                                values[cell],
                                units,
                                random.apply("interaction/" + components.get(a) + " x " + components.get(b)))
                        .p()
                        .twoSided();
            }
        }
        double[] adjusted = Adjustment.HOLM.adjust(p);
        List<ComponentInteraction> all = new ArrayList<>();
        cell = 0;
        for (int a = 0; a < n; a++) {
            for (int b = a + 1; b < n; b++, cell++) {
                String label = "interaction/" + components.get(a) + " x " + components.get(b) + "/bootstrap";
                all.add(new ComponentInteraction(
                        components.get(a),
                        components.get(b),
                        Arrays.stream(values[cell]).sum() / clean.length,
                        VerdictInterval.of(values[cell], units, tail, Bootstrap.REPLICATES, random.apply(label))
                                .map(VerdictInterval::interval)
                                .orElse(null),
                        adjusted[cell],
                        Arrays.stream(values[cell]).boxed().toList()));
            }
        }
        return List.copyOf(all);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
