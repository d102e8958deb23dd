package dev.hyaline.analysis.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.statistics.association.Shapley;
import dev.hyaline.analysis.statistics.compare.Auroc;
import dev.hyaline.analysis.statistics.compare.KolmogorovSmirnov;
import dev.hyaline.analysis.statistics.compare.MannWhitney;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class StatisticsPropertiesTest {
    private static final CounterRandom RANDOM = CounterRandom.of(3).named("test");

    private static double[] doubles(List<Integer> values) {
        return values.stream().mapToDouble(Integer::doubleValue).toArray();
    }

    private static double[] normal(int n, long seed) {
        CounterRandom random = CounterRandom.of(seed);
        return IntStream.range(0, n).mapToDouble(random::gaussian).toArray();
    }

    /** Whole numbers, so that sums tie often. */
    @Property(tries = 200)
    void signFlipCountsEverySignVector(
            @ForAll @Size(min = 1, max = 10) List<@IntRange(min = -5, max = 5) Integer> list) {
        double[] values = doubles(list);
        double observed = Arrays.stream(values).sum();
        long twoSided = 0;
        long greater = 0;
        long less = 0;
        for (int signs = 0; signs < 1 << values.length; signs++) {
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += (signs >> i & 1) == 0 ? values[i] : -values[i];
            }
            twoSided += Math.abs(sum) >= Math.abs(observed) ? 1 : 0;
            greater += sum >= observed ? 1 : 0;
            less += sum <= observed ? 1 : 0;
        }
        SignFlip test = SignFlip.test(values, Units.each(values.length), RANDOM);
        assertThat(List.of(test.twoSided(), test.greater(), test.less())).isEqualTo(List.of(twoSided, greater, less));
    }

    @Property(tries = 100)
    void scaleChangesNoCountAndSignExchangesTheTails(
            @ForAll @Size(min = 2, max = 30) List<@DoubleRange(min = -3, max = 3) Double> list,
            @ForAll @DoubleRange(min = 0.1, max = 1000) double scale) {
        double[] values = list.stream().mapToDouble(Double::doubleValue).toArray();
        Units units = Units.each(values.length);
        SignFlip test = SignFlip.test(values, units, RANDOM);
        SignFlip scaled =
                SignFlip.test(Arrays.stream(values).map(v -> v * scale).toArray(), units, RANDOM);
        assertThat(scaled.twoSided()).isEqualTo(test.twoSided());
        if (test.exact()) {
            SignFlip turned = SignFlip.test(Arrays.stream(values).map(v -> -v).toArray(), units, RANDOM);
            assertThat(turned.less()).isEqualTo(test.greater());
        }
    }

    @Test
    void drawnSignsNeverGiveP0() {
        double[] values = new double[60];
        Arrays.fill(values, 1);
        SignFlip test = SignFlip.test(values, Units.each(60), RANDOM);
        assertThat(test.exact()).isFalse();
        assertThat(test.p().twoSided()).isEqualTo(1.0 / 10_000);
    }

    /** Copies of the same prompts are no new evidence. */
    @Property(tries = 30)
    void morePromptsOfTheSameUnitsChangeNothing(@ForAll @IntRange(min = 2, max = 5) int copies, @ForAll long seed) {
        double[] once = normal(12, seed);
        List<Double> values = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < once.length; i++) {
            for (int copy = 0; copy < copies; copy++) {
                values.add(once[i]);
                names.add("unit " + i);
            }
        }
        double[] repeated = values.stream().mapToDouble(Double::doubleValue).toArray();
        Units units = Units.of(names);
        Interval alone = VerdictInterval.of(once, Units.each(12), 0.025, 500, RANDOM)
                .orElseThrow()
                .interval();
        Interval together = VerdictInterval.of(repeated, units, 0.025, 500, RANDOM)
                .orElseThrow()
                .interval();
        assertThat(together.low()).isCloseTo(alone.low(), within(1e-9));
        assertThat(together.high()).isCloseTo(alone.high(), within(1e-9));
        assertThat(SignFlip.test(repeated, units, RANDOM).twoSided())
                .isEqualTo(SignFlip.test(once, Units.each(12), RANDOM).twoSided());
        assertThat(Clustering.of(repeated, units).intraclassCorrelation()).isCloseTo(1, within(1e-9));
    }

    @Property(tries = 100)
    void adjustedValuesAreOrderedAndDoNotDependOnTheOrder(
            @ForAll @Size(min = 1, max = 40) List<@DoubleRange(min = 0, max = 1) Double> list, @ForAll long seed) {
        List<Double> shuffled = new ArrayList<>(list);
        Collections.shuffle(shuffled, new Random(seed));
        double[] p = list.stream().mapToDouble(Double::doubleValue).toArray();
        double[] bonferroni = Adjustment.BONFERRONI.adjust(p);
        double[] holm = Adjustment.HOLM.adjust(p);
        for (Adjustment adjustment : Adjustment.values()) {
            double[] adjusted = adjustment.adjust(p);
            double[] other = adjustment.adjust(
                    shuffled.stream().mapToDouble(Double::doubleValue).toArray());
            Arrays.sort(other);
            for (int i = 0; i < p.length; i++) {
                assertThat(adjusted[i]).isBetween(p[i], 1.0);
                for (int j = 0; j < p.length; j++) {
                    assertThat(p[i] > p[j] || adjusted[i] <= adjusted[j]).isTrue();
                }
            }
            double[] sorted = adjusted.clone();
            Arrays.sort(sorted);
            assertThat(sorted).containsExactly(other, within(1e-15));
        }
        for (int i = 0; i < p.length; i++) {
            assertThat(holm[i]).isLessThanOrEqualTo(bonferroni[i]);
        }
    }

    @Property(tries = 100)
    void wilcoxonCountsEverySignVector(
            @ForAll @Size(min = 1, max = 9) List<@IntRange(min = -4, max = 4) Integer> list) {
        double[] values = doubles(list);
        Wilcoxon test = Wilcoxon.test(values);
        double[] magnitudes =
                Arrays.stream(values).filter(v -> v != 0).map(Math::abs).toArray();
        long greater = 0;
        for (int signs = 0; signs < 1 << magnitudes.length; signs++) {
            double plus = 0;
            for (int i = 0; i < magnitudes.length; i++) {
                int at = i;
                double below = Arrays.stream(magnitudes)
                        .filter(v -> v < magnitudes[at])
                        .count();
                double equal = Arrays.stream(magnitudes)
                        .filter(v -> v == magnitudes[at])
                        .count();
                plus += (signs >> i & 1) == 0 ? 0 : below + (equal + 1) / 2;
            }
            greater += plus >= test.plus() ? 1 : 0;
        }
        assertThat(test.exactP().greater()).isCloseTo((double) greater / (1 << magnitudes.length), within(1e-12));
    }

    @Property(tries = 50)
    void kolmogorovSmirnovCountsEveryInterleaving(
            @ForAll @IntRange(min = 1, max = 6) int nx, @ForAll @IntRange(min = 1, max = 6) int ny, @ForAll long seed) {
        int[] order = CounterRandom.of(seed).permutation(nx + ny);
        double[] all = IntStream.of(order).asDoubleStream().toArray();
        KolmogorovSmirnov test = KolmogorovSmirnov.test(Arrays.copyOf(all, nx), Arrays.copyOfRange(all, nx, nx + ny));
        int asFar = 0;
        int total = 0;
        for (int set = 0; set < 1 << (nx + ny); set++) {
            if (Integer.bitCount(set) == nx) {
                total++;
                int x = 0;
                int y = 0;
                int largest = 0;
                for (int i = 0; i < nx + ny; i++) {
                    x += set >> i & 1;
                    y += 1 - (set >> i & 1);
                    largest = Math.max(largest, Math.abs(x * ny - y * nx));
                }
                asFar += largest >= Math.round(test.d() * nx * ny) ? 1 : 0;
            }
        }
        assertThat(test.exactP()).isCloseTo((double) asFar / total, within(1e-12));
    }

    @Property(tries = 50)
    void areaUnderTheCurveIsTheShareOfPairs(
            @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 0, max = 5) Integer> a,
            @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 0, max = 5) Integer> b) {
        double area = Auroc.of(doubles(a), doubles(b)).area();
        assertThat(area)
                .isCloseTo(0.5 * (1 + MannWhitney.test(doubles(a), doubles(b)).cliffsDelta()), within(1e-12));
    }

    @Test
    void averagePrecisionCountsTiedScoresTogether() {
        assertThat(Auroc.averagePrecision(new double[] {3, 1}, new double[] {2}))
                .isCloseTo(0.5 + 0.5 * 2 / 3, within(1e-15));
        assertThat(Auroc.averagePrecision(new double[] {1, 1}, new double[] {1, 1}))
                .isEqualTo(0.5);
        assertThat(Auroc.averagePrecision(new double[] {2}, new double[] {1})).isEqualTo(1);
    }

    @Property(tries = 30)
    void shapleyValuesAddUpToTheWhole(@ForAll @IntRange(min = 1, max = 7) int players, @ForAll long seed) {
        CounterRandom random = CounterRandom.of(seed);
        double whole = random.gaussian((1 << players) - 1) - random.gaussian(0);
        double[] exact = Shapley.values(players, random::gaussian);
        Shapley.Sampled sampled = Shapley.sampled(players, random::gaussian, 400, RANDOM);
        assertThat(Arrays.stream(exact).sum()).isCloseTo(whole, within(1e-9));
        assertThat(Arrays.stream(sampled.values()).sum()).isCloseTo(whole, within(1e-9));
        for (int i = 0; i < players; i++) {
            assertThat(sampled.values()[i])
                    .isCloseTo(exact[i], within(6 * Math.max(1e-9, sampled.standardErrors()[i])));
        }
    }

    @Test
    void oppositeEffectsByLevelAreHeterogeneous() {
        double[] values = normal(24, 5);
        List<String> levels = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            values[i] = 0.3 * values[i] + (i % 2 == 0 ? 2 : -2);
            levels.add(i % 2 == 0 ? "ABBA" : "BABA");
        }
        Units factor = Units.of(levels);
        Heterogeneity found = Heterogeneity.of(values, Units.each(24), factor, 0.025, 1_000, RANDOM);
        assertThat(found.oppositeSigns()).isTrue();
        assertThat(found.levels()).extracting(Heterogeneity.Level::prompts).containsExactly(12, 12);
        double[] alike = Arrays.stream(values).map(Math::abs).toArray();
        assertThat(Heterogeneity.of(alike, Units.each(24), factor, 0.025, 1_000, RANDOM)
                        .oppositeSigns())
                .isFalse();
    }

    @Test
    void valuesThatAreNotFiniteAreErrorsThatNameThePrompt() {
        double[] values = {1, Double.NaN, 2};
        Stream.<Runnable>of(
                        () -> SignFlip.test(values, Units.each(3), RANDOM),
                        () -> TTest.of(values, Units.each(3)),
                        () -> Bootstrap.ofMean(values, Units.each(3), 10, RANDOM),
                        () -> Wilcoxon.test(values),
                        () -> Auroc.of(values, values))
                .forEach(test -> assertThatThrownBy(test::run)
                        .isInstanceOf(BadInputException.class)
                        .hasMessage("the value of prompt 1 is NaN, and statistics are of finite numbers only"));
        assertThatThrownBy(() -> Effect.scan(List.of(new Effect.Quantity("head 1.3", values)), Units.each(3), 1, 1))
                .hasMessageStartingWith("head 1.3: the value of prompt 1 is NaN");
    }

    @Test
    void aScanIsTheSameForAnyThreadsAndACellForAnyCompany() {
        List<Effect.Quantity> cells = IntStream.range(0, 20)
                .mapToObj(i -> new Effect.Quantity("cell " + i, normal(26, i)))
                .toList();
        Units units = Units.each(26);
        List<Effect> one = Effect.scan(cells, units, 9, 1);
        assertThat(Effect.scan(cells, units, 9, 2)).isEqualTo(one);
        assertThat(Effect.scan(cells, units, 9, 7)).isEqualTo(one);
        Effect alone = Effect.scan(cells.subList(3, 4), units, 9, 1).getFirst();
        assertThat(alone.interval()).isEqualTo(one.get(3).interval());
        assertThat(alone.p()).isEqualTo(one.get(3).p());
        assertThat(alone.adjustedP()).isEqualTo(alone.p());
    }

    @Test
    void oneUnitHasAMeanAndNothingElse() {
        Effect effect = Effect.scan(
                        List.of(new Effect.Quantity("cell", new double[] {1, 2})), Units.of(List.of("a", "a")), 1, 1)
                .getFirst();
        assertThat(effect.estimate()).isEqualTo(1.5);
        assertThat(effect.units()).isEqualTo(1);
        assertThat(effect.p()).isNull();
        assertThat(effect.interval()).isNull();
        assertThat(effect.standsOut()).isFalse();
    }

    /** 600 studies in which nothing is there, 12 units of 4 prompts that share half of their variance. */
    @Test
    void testsByUnitKeepTheirErrorRateWherePromptsOfAUnitAreAlike() {
        int studies = 600;
        int byUnit = 0;
        int byPrompt = 0;
        int clustered = 0;
        List<String> names =
                IntStream.range(0, 48).mapToObj(i -> "unit " + i / 4).toList();
        Units units = Units.of(names);
        for (int study = 0; study < studies; study++) {
            CounterRandom random = RANDOM.with(study);
            double[] values = IntStream.range(0, 48)
                    .mapToDouble(i -> random.gaussian(i) + random.gaussian(1_000 + i / 4))
                    .toArray();
            byUnit += SignFlip.test(values, units, RANDOM).p().twoSided() <= 0.05 ? 1 : 0;
            clustered += TTest.of(values, units).orElseThrow().p().twoSided() <= 0.05 ? 1 : 0;
            byPrompt += TTest.of(values, Units.each(48)).orElseThrow().p().twoSided() <= 0.05 ? 1 : 0;
        }
        // Four standard errors of a share of 5% of 600.
        double most = studies * (0.05 + 4 * Math.sqrt(0.05 * 0.95 / studies));
        assertThat((double) byUnit).isLessThan(most);
        assertThat((double) clustered).isLessThan(most);
        assertThat((double) byPrompt).isGreaterThan(2 * most);
    }
}
