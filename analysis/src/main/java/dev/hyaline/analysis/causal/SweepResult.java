package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.instrument.run.MultiplyAdds;

/**
 * The results of a sweep, and the work they took.
 *
 * @param table the metric by cell and pair; the base run's mean is neutral
 * @param work multiply-adds that all edits took, those of an interrupted sweep's that left results included, and what
 *     full reruns of the same edits would have been
 * @param measured edits that were run, each one cell of one pair
 * @param resumed edits whose results an interrupted sweep had left
 */
public record SweepResult(
        ResultTable table, Baselines baselines, Side base, MultiplyAdds work, long measured, long resumed) {
    /** The table with the mean clean run as 1 and the mean corrupted one as 0. */
    public ResultTable normalised() {
        return baselines.normalised(table, base);
    }

    /** Edits in all. */
    public long edits() {
        return measured + resumed;
    }

    /** The table as the command shows it. */
    @Override
    public String toString() {
        return table.toString();
    }
}
