package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.ClaimMeasurement;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.statistics.Clustering;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.statistics.power.Power;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.OptionalInt;
import tools.jackson.core.JsonGenerator;

/**
 * The chance that a claim is confirmed on the held-out half if twice its number is true (of a share, all of it; of no
 * effect, none), by the spread that a pilot showed.
 *
 * @param bound the claimed number in the metric's unit, or a share
 * @param margin the distance of what is taken for true from the claimed number, in the unit of the tested values
 * @param sd of the pilot
 * @param upper the upper 80% bound of the spread
 * @param intraclass correlation of the prompts of a unit
 * @param units of the held-out half
 * @param perUnit prompts of a unit there
 * @param alpha the claim's level
 * @param level the same shared among the claims of its kind
 * @param power NaN without spread
 * @param needed units for the wanted power; 0 if there is no such number
 * @param smallestP the smallest adjusted p that so many units can give
 */
record ClaimPower(
        double bound,
        double margin,
        double sd,
        double upper,
        double intraclass,
        int units,
        int perUnit,
        double alpha,
        double level,
        double power,
        int needed,
        double smallestP) {

    private static final String TWICE = "if the true effect is twice the claimed one";

    /**
     * Plans a claim's test.
     *
     * @param pilot what the claim's experiment gave on the pilot's pairs
     * @param pilotUnits of these
     * @param heldOut units of the half that it will be tested on
     * @param family number of claims that p is adjusted over
     * @param gap of the pilot
     */
    static ClaimPower of(
            ClaimMeasurement pilot, Units pilotUnits, Units heldOut, TestDesign design, int family, double gap) {
        Expectation expectation = pilot.claim().expectation();
        double[] values = pilot.values();
        double mean = Arrays.stream(values).average().orElseThrow();
        double sd = Math.sqrt(Arrays.stream(values)
                        .map(value -> (value - mean) * (value - mean))
                        .sum()
                / (values.length - 1));
        double alpha = design.level(expectation);
        double level = alpha / family;
        double bound = expectation.bound(gap);
        double margin = margin(pilot, bound);
        int units = heldOut.count();
        int perUnit = Math.max(1, (int) Math.rint((double) heldOut.prompts() / units));
        double smallest = expectation instanceof Expectation.NoEffect
                ? 0
                : Math.min(
                        1,
                        family
                                * (units <= SignFlip.MAX_EXACT_UNITS
                                        ? Math.pow(2, -units)
                                        : 1.0 / (SignFlip.DRAWS + 1)));
        if (!(sd > 0) || !(margin > 0) || pilotUnits.count() < 2 || units < 2) {
            return new ClaimPower(
                    bound, margin, sd, Double.NaN, Double.NaN, units, perUnit, alpha, level, Double.NaN, 0, smallest);
        }
        double upper = Power.pilotBound(sd, values.length);
        Double intraclass = Clustering.of(values, pilotUnits).intraclassCorrelation();
        double alike = intraclass == null ? 0 : Math.clamp(intraclass, 0.0, 1.0);
        boolean both = expectation instanceof Expectation.NoEffect;
        double oneSide = Power.ofUnits(margin, upper, alike, perUnit, units, 2 * level);
        double wanted = both ? (1 + design.power()) / 2 : design.power();
        OptionalInt needed = needed(margin, upper, alike, perUnit, 2 * level, wanted);
        return new ClaimPower(
                bound,
                margin,
                sd,
                upper,
                alike,
                units,
                perUnit,
                alpha,
                level,
                both ? Math.max(0, 2 * oneSide - 1) : oneSide,
                needed.orElse(0),
                smallest);
    }

    private static OptionalInt needed(double margin, double sd, double alike, int perUnit, double alpha, double power) {
        try {
            return OptionalInt.of(Power.unitsNeeded(margin, sd, alike, perUnit, alpha, power));
        } catch (BadInputException e) {
            // More units than anyone has.
            return OptionalInt.empty();
        }
    }

    private static double margin(ClaimMeasurement pilot, double bound) {
        return switch (pilot.claim().expectation()) {
            case Expectation.FaithfulnessAtLeast f -> shareMargin(pilot, bound);
            case Expectation.ShareOfPathAtLeast s -> shareMargin(pilot, bound);
            case Expectation.AttentionAtLeast a -> Math.min(1, 2 * bound) - bound;
            default -> bound;
        };
    }

    /** The tested values are contrasts, whose mean is the distance from the claimed share times the whole. */
    private static double shareMargin(ClaimMeasurement pilot, double share) {
        double whole = 0;
        for (int pair = 0; pair < pilot.before().length; pair++) {
            whole += (pilot.before()[pair] - pilot.floor()[pair]) / pilot.before().length;
        }
        double taken = share < 1 ? Math.min(1, 2 * share) : 2 * share;
        return (taken - share) * Math.abs(whole);
    }

    /** What the power takes for true, as a clause. */
    static String assumption(Expectation expectation) {
        return switch (expectation) {
            case Expectation.NoEffect _ -> "if there is no effect at all";
            case Expectation.Decrease _ -> TWICE;
            case Expectation.Increase _ -> TWICE;
            case Expectation.AttentionAtLeast a -> share(a.share());
            case Expectation.FaithfulnessAtLeast f -> share(f.share());
            case Expectation.ShareOfPathAtLeast s -> share(s.share());
        };
    }

    private static String share(double claimed) {
        return 2 * claimed <= 1 || claimed >= 1
                ? "if the true share is twice the claimed one"
                : "if the true share is 1";
    }

    /** Returns whether some result could confirm the claim. */
    boolean canConfirm() {
        return units >= VerdictInterval.MIN_UNITS && smallestP <= alpha;
    }

    void write(JsonGenerator json) {
        Written.number("bound", bound, json);
        Written.number("margin", margin, json);
        Written.number("sd", sd, json);
        Written.number("sd_upper", upper, json);
        Written.number("intraclass_correlation", intraclass, json);
        json.writeNumberProperty("units", units);
        json.writeNumberProperty("prompts_per_unit", perUnit);
        Written.number("alpha", alpha, json);
        Written.number("level", level, json);
        Written.number("power", power, json);
        json.writeNumberProperty("units_needed", needed);
        Written.number("smallest_p", smallestP, json);
    }
}
