package dev.hyaline.analysis.investigation.discovery;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Proportion;
import dev.hyaline.analysis.statistics.Ratio;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is claimed of a circuit of components: that it is enough, needed, complete, minimal and as good as the model
 * (Wang et al. 2022; Shi et al. 2024).
 *
 * @param sufficiency the share of the gap that it keeps alone
 * @param necessity the share of the gap that is lost without it
 * @param completeness by member
 * @param minimality by member
 * @param better pairs on which the circuit's metric is above the model's; of ties half, rounded down
 * @param equivalenceP two one-sided tests against "the chance of that is a tenth or more from a half": small where the
 *     circuit is as good
 */
public record CircuitTests(
        List<ClaimComponent> circuit,
        Ratio sufficiency,
        double necessity,
        List<MemberCompleteness> completeness,
        List<MemberMinimality> minimality,
        Proportion better,
        double equivalenceP) {
    /** The share of others that a member must exceed. */
    public static final double QUANTILE = 0.9;

    /** How far from a half the chance of doing better may be. */
    public static final double MARGIN = 0.1;

    /**
     * What a member's loss does to the circuit and to the model, as shares of the gap. A circuit that has all that
     * matters does as badly without it as the model.
     */
    public record MemberCompleteness(ClaimComponent member, double circuitWithout, double modelWithout) {
        /** The distance between the two: 0 of a complete circuit. */
        public double incompleteness() {
            return Math.abs(circuitWithout - modelWithout);
        }
    }

    /**
     * A member against the components that are not in the circuit.
     *
     * @param change of the mean metric when it is taken out of the circuit, as a size
     * @param exceeded the others that change it less when they are put in
     * @param adjustedP against "it exceeds nine tenths at most", by Holm over the members
     */
    public record MemberMinimality(ClaimComponent member, double change, Proportion exceeded, double adjustedP) {}

    public CircuitTests {
        circuit = List.copyOf(circuit);
        completeness = List.copyOf(completeness);
        minimality = List.copyOf(minimality);
    }

    /**
     * Tests a circuit.
     *
     * @throws BadInputException if the circuit is empty or has every candidate, or there is no gap
     */
    public static CircuitTests run(
            Evidence evidence, List<ClaimComponent> circuit, Replacement replacement, Candidates of) {
        List<ClaimComponent> others = new ArrayList<>(evidence.all(of));
        others.removeAll(circuit);
        if (circuit.isEmpty() || others.isEmpty()) {
            throw new BadInputException("a circuit under test has members and leaves others out, found "
                    + circuit.size() + " members and " + others.size() + " others");
        }
        Treatment keep = new Treatment.KeepOnly(replacement, of);
        Treatment ablate = new Treatment.AblateComponents(replacement);
        double[] full = evidence.clean();
        double[] empty = evidence.empty(replacement, of);
        List<List<ClaimComponent>> less = circuit.stream()
                .map(member ->
                        circuit.stream().filter(other -> !other.equals(member)).toList())
                .toList();
        List<List<ClaimComponent>> more = others.stream()
                .map(other -> Stream.concat(circuit.stream(), Stream.of(other)).toList())
                .toList();
        double[][] kept = evidence.runEach(
                keep,
                Stream.of(List.of(circuit), less, more).flatMap(List::stream).toList());
        double[][] without = evidence.runEach(
                ablate,
                Stream.concat(Stream.of(circuit), circuit.stream().map(List::of))
                        .toList());
        Units units = evidence.experiment().pairs().units().orElse(Units.each(full.length));
        Ratio sufficiency = Ratio.of(full, empty, kept[0], units);
        double gap = mean(full) - mean(empty);

        List<MemberCompleteness> completeness = new ArrayList<>();
        double[] changes = new double[circuit.size()];
        double[] p = new double[circuit.size()];
        Proportion[] exceeded = new Proportion[circuit.size()];
        for (int i = 0; i < changes.length; i++) {
            completeness.add(new MemberCompleteness(
                    circuit.get(i),
                    (mean(kept[1 + i]) - mean(empty)) / gap,
                    (mean(without[1 + i]) - mean(empty)) / gap));
            double change = Math.abs(mean(kept[1 + i]) - mean(kept[0]));
            changes[i] = change;
            long below = Arrays.stream(kept)
                    .skip(1L + circuit.size())
                    .filter(values -> Math.abs(mean(values) - mean(kept[0])) < change)
                    .count();
            exceeded[i] = new Proportion((int) below, others.size());
            p[i] = exceeded[i].against(QUANTILE).greater();
        }
        double[] adjusted = Adjustment.HOLM.adjust(p);
        List<MemberMinimality> minimality = new ArrayList<>();
        for (int i = 0; i < changes.length; i++) {
            minimality.add(new MemberMinimality(circuit.get(i), changes[i], exceeded[i], adjusted[i]));
        }
        int twice = 0;
        for (int pair = 0; pair < full.length; pair++) {
            twice += 1 + Integer.signum(Double.compare(kept[0][pair], full[pair]));
        }
        Proportion better = new Proportion(twice / 2, full.length);
        return new CircuitTests(
                circuit,
                sufficiency,
                (mean(full) - mean(without[0])) / gap,
                completeness,
                minimality,
                better,
                Math.max(
                        better.against(0.5 - MARGIN).greater(),
                        better.against(0.5 + MARGIN).less()));
    }

    /**
     * The smallest adjusted p that so many others allow: where it is above the level, minimality cannot be shown of
     * this circuit.
     */
    public double smallestMinimalityP() {
        int others = minimality.getFirst().exceeded().trials();
        return Math.min(1, circuit.size() * Math.pow(QUANTILE, others));
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).sum() / values.length;
    }
}
