package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An effect in every level of a factor, such as the template or the order of names. Where one level's interval lies
 * above 0 and another's below, no pooled number stands for the component: a pooled mean near 0 would hide both.
 *
 * <p>The tail is shared equally among the levels. A level with too few units or no spread has no interval and says
 * nothing.
 */
public record Heterogeneity(List<Level> levels) {

    /**
     * One level.
     *
     * @param interval null with fewer than {@value VerdictInterval#MIN_UNITS} units or without spread
     */
    public record Level(
            String name,
            int prompts,
            int units,
            double mean,
            @Nullable Interval interval) {}

    public Heterogeneity {
        levels = List.copyOf(levels);
    }

    /**
     * The effect by level.
     *
     * @param factor the level of each prompt
     * @param tail of all levels together
     * @throws BadInputException if there is not one finite value per prompt, the factor is of other prompts, the tail
     *     is not between 0 and 1/2, or no replicate is asked for
     */
    public static Heterogeneity of(
            double[] values, Units units, Units factor, double tail, int replicates, CounterRandom random) {
        units.sums(values);
        double[] levelSums = factor.sums(values);
        List<Level> levels = new ArrayList<>();
        for (int level = 0; level < factor.count(); level++) {
            int[] prompts = factor.promptsOf(level);
            double[] part = new double[prompts.length];
            for (int i = 0; i < part.length; i++) {
                part[i] = values[prompts[i]];
            }
            Units unitsOfLevel = units.of(prompts);
            String name = factor.names().get(level);
            levels.add(new Level(
                    name,
                    prompts.length,
                    unitsOfLevel.count(),
                    levelSums[level] / prompts.length,
                    VerdictInterval.of(part, unitsOfLevel, tail / factor.count(), replicates, random.named(name))
                            .map(VerdictInterval::interval)
                            .orElse(null)));
        }
        return new Heterogeneity(levels);
    }

    /** Returns whether one level's interval lies above 0 and another's below. */
    public boolean oppositeSigns() {
        List<Interval> intervals =
                levels.stream().map(Level::interval).filter(Objects::nonNull).toList();
        return intervals.stream().anyMatch(interval -> interval.low() > 0)
                && intervals.stream().anyMatch(interval -> interval.high() < 0);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
