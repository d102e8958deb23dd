package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;

/**
 * A claim of named components, what its experiment gave, and what further tests of it need.
 *
 * @param evidence the runs that the claim was measured on
 * @param gap the metric's distance that shares of the gap mean, fixed before these runs
 * @param study a name for the study, which begins the labels of all that is drawn
 * @param seed of what is drawn
 */
public record TestedClaim(
        Evidence evidence, ClaimMeasurement measurement, double gap, TestDesign design, String study, long seed) {

    /**
     * @throws BadInputException if the measurement is of other pairs, or of a circuit that is not named head by head
     */
    public TestedClaim {
        int pairs = evidence.experiment().pairs().size();
        if (measurement.after().length != pairs) {
            throw new BadInputException("the claim was measured on " + measurement.after().length
                    + " pairs, but the evidence is of " + pairs);
        }
        if (measurement.claim().isOfCircuit()) {
            throw new BadInputException("the members of the circuit must be named before a claim of it is tested");
        }
    }

    /** Measures a claim of named components. */
    public static TestedClaim of(
            Evidence evidence, Claim claim, double gap, TestDesign design, String study, long seed) {
        return new TestedClaim(evidence, evidence.measure(claim), gap, design, study, seed);
    }

    public Claim claim() {
        return measurement.claim();
    }

    public PromptPairs pairs() {
        return evidence.experiment().pairs();
    }

    /** Which pairs were drawn together; each by itself where that is not known. */
    public Units units() {
        return pairs().units().orElse(Units.each(pairs().size()));
    }

    /** The level of the claim: one-sided of a claim with a direction. */
    public double level() {
        return design.level(claim().expectation());
    }

    /** The claimed quantity by pair, turned so that the predicted direction is positive. */
    public double[] values() {
        return measurement.values();
    }

    /** The mean claimed quantity, turned likewise. */
    public double mean() {
        return mean(measurement.after());
    }

    /**
     * The claimed quantity by pair as if the treatment had given another result, turned likewise.
     *
     * @param after the metric of the treated runs, by pair
     */
    public double[] values(double[] after) {
        return new ClaimMeasurement(claim(), measurement.before(), after, measurement.floor()).values();
    }

    /** The mean of {@link #values(double[])}. */
    public double mean(double[] after) {
        double[] values = values(after);
        return Arrays.stream(values).sum() / values.length;
    }

    /** The numbers of a named quantity of the study. */
    public CounterRandom random(String label) {
        return CounterRandom.of(seed).named(study + "/" + label);
    }
}
