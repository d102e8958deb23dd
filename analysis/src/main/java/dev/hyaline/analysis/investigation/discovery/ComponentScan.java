package dev.hyaline.analysis.investigation.discovery;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Every candidate ablated alone. The list of those that cost enough is never the whole answer: what one component does
 * alone another may make up for.
 *
 * @param components in the order of a pass
 * @param losses clean less ablated, {@code [components][pairs]}
 */
public record ComponentScan(List<ClaimComponent> components, double[][] losses, Units units) {
    /** Resamples of {@link #stability}. */
    public static final int RESAMPLES = 500;

    /** Mean similarity of resamples to the list below which it is unstable. */
    public static final double UNSTABLE = 0.67;

    /** @throws BadInputException if there are losses of more or fewer components */
    public ComponentScan {
        components = List.copyOf(components);
        if (components.isEmpty() || losses.length != components.size()) {
            throw new BadInputException("a scan has the losses of each of at least one component, found "
                    + losses.length + " of " + components.size());
        }
    }

    /** Ablates every candidate. */
    public static ComponentScan run(Evidence evidence, Replacement replacement, Candidates of) {
        List<ClaimComponent> all = evidence.all(of);
        double[][] after = evidence.runEach(
                new Treatment.AblateComponents(replacement),
                all.stream().map(List::of).toList());
        double[] clean = evidence.clean();
        for (double[] values : after) {
            for (int pair = 0; pair < values.length; pair++) {
                values[pair] = clean[pair] - values[pair];
            }
        }
        return new ComponentScan(
                all, after, evidence.experiment().pairs().units().orElse(Units.each(clean.length)));
    }

    /** Effects with intervals and p values adjusted by Benjamini and Hochberg: they nominate, and confirm nothing. */
    public List<Effect> effects(String study, long seed, int threads) {
        List<Effect.Quantity> quantities = new ArrayList<>();
        for (int i = 0; i < losses.length; i++) {
            quantities.add(new Effect.Quantity(study + "/scan/" + components.get(i), losses[i]));
        }
        return Effect.scan(quantities, units, seed, threads);
    }

    /** The components that cost at least so much on average. */
    public List<ClaimComponent> essential(double threshold) {
        int[] all = IntStream.range(0, units.count()).toArray();
        return essential(threshold, all);
    }

    private List<ClaimComponent> essential(double threshold, int[] chosen) {
        int[] sizes = units.sizes();
        int prompts = IntStream.of(chosen).map(unit -> sizes[unit]).sum();
        List<ClaimComponent> essential = new ArrayList<>();
        for (int i = 0; i < losses.length; i++) {
            double[] sums = units.sums(losses[i]);
            double sum = IntStream.of(chosen).mapToDouble(unit -> sums[unit]).sum();
            if (sum / prompts >= threshold) {
                essential.add(components.get(i));
            }
        }
        return essential;
    }

    /**
     * How alike the lists of {@value #RESAMPLES} resamples of whole units are to that of all.
     *
     * @param random the numbers of this quantity alone
     */
    public Stability stability(double threshold, CounterRandom random) {
        List<Set<String>> resamples = new ArrayList<>();
        int n = units.count();
        for (int b = 0; b < RESAMPLES; b++) {
            CounterRandom draws = random.with(b);
            int[] chosen = IntStream.range(0, n).map(j -> draws.index(j, n)).toArray();
            resamples.add(names(essential(threshold, chosen)));
        }
        return Stability.of(names(essential(threshold)), resamples);
    }

    private static Set<String> names(List<ClaimComponent> components) {
        return new LinkedHashSet<>(
                components.stream().map(ClaimComponent::toString).toList());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ComponentScan scan
                && components.equals(scan.components)
                && Arrays.deepEquals(losses, scan.losses)
                && units.equals(scan.units);
    }

    @Override
    public int hashCode() {
        return 31 * components.hashCode() + Arrays.deepHashCode(losses);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
