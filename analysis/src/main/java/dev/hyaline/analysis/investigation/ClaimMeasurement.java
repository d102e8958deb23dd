package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.statistics.Ratio;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.Optional;

/**
 * The metric of a claim's experiment by pair.
 *
 * @param before of the run that is treated
 * @param after of the treated run; the attention itself where that is claimed
 * @param floor with every candidate replaced, of a claim of faithfulness; with the senders' whole output patched, of a
 *     claim about a path's share; else as before
 */
public record ClaimMeasurement(Claim claim, double[] before, double[] after, double[] floor) {
    /** @throws BadShapeException if they are of different numbers of pairs */
    public ClaimMeasurement {
        if (before.length != after.length || before.length != floor.length) {
            throw new BadShapeException(
                    "the metric of a claim by pair",
                    "as many values before and after",
                    before.length + ", " + after.length + " and " + floor.length);
        }
    }

    /** Returns whether the treatment changed any value. One that changes none was perhaps never applied. */
    public boolean changesSomething() {
        return claim.treatment() instanceof Treatment.Attend || !Arrays.equals(before, after);
    }

    /**
     * The claimed quantity by pair, turned so that the predicted direction is positive: the loss, the gain, the
     * attention; of a share, the contrast whose mean is at least 0 where the share is at least the claimed one.
     *
     * @throws BadInputException if there is no gap to take a share of
     */
    public double[] values() {
        return switch (claim.expectation()) {
            case Expectation.Decrease decrease -> difference(before, after);
            case Expectation.Increase increase -> difference(after, before);
            case Expectation.NoEffect none -> difference(before, after);
            case Expectation.AttentionAtLeast attention -> after.clone();
            case Expectation.FaithfulnessAtLeast(double share) -> contrast(share);
            case Expectation.ShareOfPathAtLeast(double share) -> contrast(share);
        };
    }

    /** The contrast by pair, turned so that a larger share is a larger contrast. */
    private double[] contrast(double share) {
        Ratio ratio = ratio(Units.each(before.length)).orElseThrow();
        double[] contrast = ratio.contrast(share);
        double gap = 0;
        for (double each : claim.treatment() instanceof Treatment.PatchPath
                ? difference(floor, before)
                : difference(before, floor)) {
            gap += each;
        }
        if (gap < 0) {
            Arrays.setAll(contrast, pair -> -contrast[pair]);
        }
        return contrast;
    }

    /**
     * The claimed share: faithfulness, or the part of the senders' effect that the path carries. Empty where no share
     * is claimed.
     *
     * @throws BadInputException if there is no gap to take a share of
     */
    public Optional<Ratio> ratio(Units units) {
        return switch (claim.expectation()) {
            case Expectation.FaithfulnessAtLeast f -> Optional.of(Ratio.of(before, floor, after, units));
            case Expectation.ShareOfPathAtLeast s -> Optional.of(Ratio.of(floor, before, after, units));
            default -> Optional.empty();
        };
    }

    private static double[] difference(double[] a, double[] b) {
        double[] difference = new double[a.length];
        Arrays.setAll(difference, pair -> a[pair] - b[pair]);
        return difference;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
