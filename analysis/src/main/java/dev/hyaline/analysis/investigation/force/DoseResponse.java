package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The change of the metric by the dose of steering. The slope is each pair's least-squares line through no change at no
 * dose, averaged.
 *
 * @param doses multiples of the difference of means
 * @param changes mean change of the metric at each
 * @param slope mean change by one dose
 * @param interval of the slope; null with too few units or without spread
 * @param spearman rank correlation of dose and mean change: 1 or -1 where the response is monotone; NaN where nothing
 *     changes
 */
public record DoseResponse(
        List<Double> doses,
        List<Double> changes,
        double slope,
        @Nullable Interval interval,
        double spearman) {

    public DoseResponse {
        doses = List.copyOf(doses);
        changes = List.copyOf(changes);
    }

    /**
     * Measures the doses of {@link Steer#DOSES}.
     *
     * @param at the role at whose position; null for all positions
     * @param tail left on each side of the slope's interval
     * @param random the numbers of this quantity's bootstrap
     */
    public static DoseResponse measure(
            Steer steer, Evidence evidence, Side into, @Nullable String at, double tail, CounterRandom random) {
        List<Double> doses = Steer.DOSES;
        List<Double> changes = new ArrayList<>();
        double[] slopes = new double[evidence.experiment().pairs().size()];
        double squares = doses.stream().mapToDouble(dose -> dose * dose).sum();
        for (double dose : doses) {
            ForceResult result =
                    ForceResult.run(steer.at(dose), evidence, into, List.<ClaimComponent>of(steer.component()), at);
            changes.add(result.meanChange());
            for (int pair = 0; pair < slopes.length; pair++) {
                slopes[pair] += dose * (result.after()[pair] - result.before()[pair]) / squares;
            }
        }
        Units units = evidence.experiment().pairs().units().orElse(Units.each(slopes.length));
        double sum = 0;
        for (double slope : slopes) {
            sum += slope;
        }
        return new DoseResponse(
                doses,
                changes,
                sum / slopes.length,
                VerdictInterval.of(slopes, units, tail, Bootstrap.REPLICATES, random)
                        .map(VerdictInterval::interval)
                        .orElse(null),
                Correlation.spearman(
                                doses.stream().mapToDouble(Double::doubleValue).toArray(),
                                changes.stream()
                                        .mapToDouble(Double::doubleValue)
                                        .toArray())
                        .map(Correlation.Spearman::rho)
                        .orElse(Double.NaN));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
