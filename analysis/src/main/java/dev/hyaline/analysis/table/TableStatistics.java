package dev.hyaline.analysis.table;

import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the samples of a table say about each cell: the mean difference to what is neutral, with its interval, p, p
 * adjusted over the table's cells, and effect size, as {@link Effect} has them.
 *
 * @param unitsKnown whether the table knows which samples belong together; if not, each sample counts as a unit of its
 *     own, and intervals may be too narrow
 * @param prompts number of samples
 * @param units number of units
 * @param effects by the number of their cell; none of a single sample, nor of a cell that was not measured on every
 *     sample
 */
public record TableStatistics(boolean unitsKnown, int prompts, int units, SortedMap<Integer, Effect> effects) {

    /** What the draws of every table depend on; a cell's own depend on its table's title and its labels besides. */
    public static final long SEED = 1;

    public TableStatistics {
        effects = Collections.unmodifiableSortedMap(new TreeMap<>(effects));
    }

    static TableStatistics of(ResultTable table) {
        int prompts = table.samples().size();
        Units units = table.units().orElse(Units.each(prompts));
        SortedMap<Integer, Effect> effects = new TreeMap<>();
        if (prompts > 1) {
            List<Effect.Quantity> measured = new ArrayList<>();
            List<Integer> places = new ArrayList<>();
            for (int cell = 0; cell < table.cells(); cell++) {
                double[] values = table.values(cell);
                for (int sample = 0; sample < prompts; sample++) {
                    values[sample] -= table.reference(cell, sample);
                }
                if (Arrays.stream(values).allMatch(Double::isFinite)) {
                    measured.add(
                            new Effect.Quantity(table.title() + "/" + String.join("/", table.labels(cell)), values));
                    places.add(cell);
                }
            }
            List<Effect> found =
                    Effect.scan(measured, units, SEED, Runtime.getRuntime().availableProcessors());
            for (int i = 0; i < places.size(); i++) {
                effects.put(places.get(i), found.get(i));
            }
        }
        return new TableStatistics(table.units().isPresent(), prompts, units.count(), effects);
    }

    /** The effect of a cell, if it has one. */
    public Optional<Effect> effect(int cell) {
        return Optional.ofNullable(effects.get(cell));
    }

    /** Returns whether the cell's adjusted p is at most {@link Effect#DISCOVERY_RATE}. */
    public boolean standsOut(int cell) {
        return effect(cell).filter(Effect::standsOut).isPresent();
    }

    /** Number of cells that were tested, over which p are adjusted. */
    public long tested() {
        return effects.values().stream().filter(effect -> effect.p() != null).count();
    }

    /** The test, in words. */
    public String test() {
        return "two-sided sign flip of " + (unitsKnown ? "units" : "samples");
    }

    /** The method of the intervals, in words. */
    public String interval() {
        return Effect.isBootstrapped(effects.size())
                ? "95%, the widest ends of BCa, clustered t and studentised bootstrap"
                : "95%, clustered t";
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
