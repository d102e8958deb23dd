package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A metric of the runs without edits, by pair.
 *
 * @param clean of the clean prompts
 * @param corrupted of the corrupted ones
 */
public record Baselines(double[] clean, double[] corrupted) {
    /** The end of what a normalised table's quantity is called. */
    public static final String NORMALISED = ", clean = 1, corrupted = 0";

    /** What an edited run is compared with, in words. */
    static final String NAME = "its run without the edit";

    /** The mean clean metric less the mean corrupted one. */
    public double gap() {
        return meanClean() - meanCorrupted();
    }

    public double meanClean() {
        return Arrays.stream(clean).average().orElseThrow();
    }

    public double meanCorrupted() {
        return Arrays.stream(corrupted).average().orElseThrow();
    }

    /** The metric of a side's runs, by pair. */
    public double[] of(Side side) {
        return side == Side.CLEAN ? clean : corrupted;
    }

    public double mean(Side side) {
        return side == Side.CLEAN ? meanClean() : meanCorrupted();
    }

    /**
     * A table on the scale where the mean clean run is 1 and the mean corrupted one is 0, as TransformerLens's examples
     * normalise. A pair's value is its distance from its own corrupted run against the mean distance, so that pairs
     * which differ without any patch do not add to the spread.
     *
     * @param base the run the table's cells are edits of, which becomes neutral
     * @throws BadInputException if the metric is the same on both prompts
     */
    public ResultTable normalised(ResultTable table, Side base) {
        double distance = gap();
        if (distance == 0 || !Double.isFinite(distance)) {
            throw new BadInputException("the " + table.quantity() + " is " + meanClean() + " on the clean prompts and "
                    + meanCorrupted() + " on the corrupted ones; there is nothing to normalise by");
        }
        return table.map(table.quantity() + NORMALISED, "", (pair, value) -> (value - corrupted[pair]) / distance)
                .neutralAt(base == Side.CLEAN ? 1 : 0)
                .comparedWith(
                        NAME,
                        IntStream.range(0, clean.length)
                                .mapToDouble(pair -> (of(base)[pair] - corrupted[pair]) / distance)
                                .toArray());
    }

    /** Both means. */
    @Override
    public String toString() {
        return "clean " + (float) meanClean() + ", corrupted " + (float) meanCorrupted();
    }
}
