package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * What the prompts say about one quantity of a scan over many: its mean, the interval of {@link VerdictInterval} at
 * 95%, the two-sided p of {@link SignFlip}, and that p adjusted for the whole scan by
 * {@link Adjustment#BENJAMINI_HOCHBERG}.
 *
 * @param label of the quantity
 * @param prompts number of prompts
 * @param units number of units
 * @param estimate mean of the prompts
 * @param interval null with fewer than {@value VerdictInterval#MIN_UNITS} units or without spread
 * @param p two-sided; null with one unit, of which every sign is as extreme as the other
 * @param adjustedP null likewise
 * @param effectSize d<sub>z</sub> of the prompts; null without spread. It grows as prompts get alike.
 */
public record Effect(
        String label,
        int prompts,
        int units,
        double estimate,
        @Nullable Interval interval,
        @Nullable Double p,
        @Nullable Double adjustedP,
        @Nullable Double effectSize) {

    /** The share of false ones among those that stand out of a scan. It nominates and does not confirm. */
    public static final double DISCOVERY_RATE = 0.1;

    /** Scans of more quantities have the intervals of clustered t alone, which takes a ten-thousandth of the time. */
    public static final int MAX_BOOTSTRAPPED = 4_096;

    /** Returns whether a scan of so many quantities has the intervals of {@link VerdictInterval}. */
    public static boolean isBootstrapped(long quantities) {
        return quantities <= MAX_BOOTSTRAPPED;
    }

    /** The per-prompt values of one quantity. */
    public record Quantity(String label, double[] values) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** Returns whether the adjusted p is at most {@link #DISCOVERY_RATE}. */
    public boolean standsOut() {
        return adjustedP != null && adjustedP <= DISCOVERY_RATE;
    }

    /**
     * The effects of a scan, in its order. Every number is made from its label's own random numbers, so that the result
     * is the same for any number of threads and a quantity's numbers do not depend on the others; only the adjusted p
     * do.
     *
     * @param units which prompts belong together, of every quantity
     * @param threads at least 1
     * @throws BadInputException if a quantity does not have one finite value per prompt, naming it
     */
    public static List<Effect> scan(List<Quantity> quantities, Units units, long seed, int threads) {
        if (threads < 1) {
            throw new BadInputException("a scan needs at least 1 thread, found " + threads);
        }
        CounterRandom random = CounterRandom.of(seed);
        List<Callable<Effect>> tasks = new ArrayList<>();
        for (Quantity quantity : quantities) {
            tasks.add(() -> of(quantity, units, random, isBootstrapped(quantities.size())));
        }
        List<Effect> effects = run(tasks, threads);
        double[] p = effects.stream()
                .map(Effect::p)
                .filter(Objects::nonNull)
                .mapToDouble(Double::doubleValue)
                .toArray();
        double[] adjusted = Adjustment.BENJAMINI_HOCHBERG.adjust(p);
        List<Effect> result = new ArrayList<>();
        int next = 0;
        for (Effect effect : effects) {
            result.add(effect.p() != null ? effect.adjusted(adjusted[next++]) : effect);
        }
        return List.copyOf(result);
    }

    private static List<Effect> run(List<Callable<Effect>> tasks, int threads) {
        List<Effect> effects = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            for (Future<Effect> future : pool.invokeAll(tasks)) {
                effects.add(future.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BadInputException("the statistics were interrupted");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e.getCause());
        }
        return effects;
    }

    private static Effect of(Quantity quantity, Units units, CounterRandom random, boolean bootstrapped) {
        double[] values = quantity.values();
        String label = quantity.label();
        double estimate;
        try {
            estimate = Sums.of(units.sums(values)) / units.prompts();
        } catch (BadInputException e) {
            throw new BadInputException(label + ": " + e.getMessage());
        }
        Interval interval = (bootstrapped
                        ? VerdictInterval.of(
                                        values,
                                        units,
                                        VerdictInterval.DIRECTED_TAIL,
                                        Bootstrap.REPLICATES,
                                        random.named(label + "/bootstrap"))
                                .map(VerdictInterval::interval)
                        : TTest.of(values, units)
                                .filter(t -> units.count() >= VerdictInterval.MIN_UNITS)
                                .map(t -> t.interval(VerdictInterval.DIRECTED_TAIL)))
                .orElse(null);
        Double p = units.count() < 2
                ? null
                : Double.valueOf(SignFlip.test(values, units, random.named(label + "/sign-flip"))
                        .p()
                        .twoSided());
        Double size = EffectSize.paired(values).map(EffectSize::d).orElse(null);
        return new Effect(label, units.prompts(), units.count(), estimate, interval, p, null, size);
    }

    private Effect adjusted(double adjusted) {
        return new Effect(label, prompts, units, estimate, interval, p, adjusted, effectSize);
    }
}
