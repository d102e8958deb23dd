package dev.hyaline.analysis.statistics;

import static dev.hyaline.analysis.statistics.Golden.close;
import static dev.hyaline.analysis.statistics.Golden.closeOrAbsent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/** Every statistic of one sample on reference data sets: small, tied, skewed, clustered, without spread. */
class OneSampleTest {
    private static final JsonNode FILE = Golden.read("datasets.json");
    private static final CounterRandom RANDOM =
            CounterRandom.of(FILE.get("random_seed").longValue());
    private static final int REPLICATES = FILE.get("bootstrap_replicates").intValue();

    /** A reference data set. */
    private record Sample(
            String name, double[] values, Units units, Optional<Units> crossed, double bound, JsonNode expected) {
        static Sample of(JsonNode node) {
            double[] values = Golden.doubles(node.get("values"));
            return new Sample(
                    node.get("name").asString(),
                    values,
                    units(node.get("clusters")).orElse(Units.each(values.length)),
                    units(node.get("clusters_2")),
                    node.get("sesoi").doubleValue(),
                    node.get("expected"));
        }

        private static Optional<Units> units(JsonNode names) {
            return Optional.ofNullable(names).map(Golden::strings).map(Units::of);
        }

        Units prompts() {
            return Units.each(values.length);
        }

        CounterRandom random(String quantity) {
            return RANDOM.named(name + "/" + quantity);
        }
    }

    private static Stream<Sample> samples() {
        return FILE.get("datasets")
                .valueStream()
                .filter(node -> node.get("kind").asString().equals("one-sample"))
                .map(Sample::of);
    }

    private interface Check {
        void of(Sample sample);
    }

    private static Stream<DynamicTest> each(Check check) {
        return samples().map(sample -> DynamicTest.dynamicTest(sample.name(), () -> check.of(sample)));
    }

    @TestFactory
    Stream<DynamicTest> tOfPromptsAndItsIntervals() {
        return each(sample -> {
            Optional<TTest> t = TTest.of(sample.values(), sample.prompts());
            JsonNode expected = sample.expected().get("t");
            assertThat(t.isPresent()).isEqualTo(!expected.isNull());
            if (t.isPresent()) {
                close(t.get().estimate(), sample.expected().get("mean"));
                close(t.get().standardError(), sample.expected().get("se"));
                close(t.get().t(), expected.get("t"));
                close(t.get().degreesOfFreedom(), expected.get("df"));
                close(t.get().p(), expected.get("p"));
                close(t.get().interval(0.025), expected.get("ci95"));
                close(t.get().interval(0.05), expected.get("ci90"));
                JsonNode least = sample.expected().get("minimum_effect");
                close(t.get().against(sample.bound()).t(), least.get("t"));
                close(t.get().against(sample.bound()).p().greater(), least.get("p_greater"));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> equivalenceAndBayesFactor() {
        return each(sample -> {
            Optional<Equivalence> test = Equivalence.test(sample.values(), sample.prompts(), sample.bound());
            JsonNode expected = sample.expected().get("tost");
            assertThat(test.isPresent()).isEqualTo(expected != null);
            if (test.isPresent()) {
                close(test.get().lower().t(), expected.get("t_lower"));
                close(test.get().upper().t(), expected.get("t_upper"));
                close(test.get().pLower(), expected.get("p_lower"));
                close(test.get().pUpper(), expected.get("p_upper"));
                close(test.get().p(), expected.get("p"));
                double t = TTest.of(sample.values(), sample.prompts())
                        .orElseThrow()
                        .t();
                Golden.close(
                        BayesFactor.ofT(t, sample.values().length, BayesFactor.SCALE),
                        sample.expected().get("bayes_factor_10"),
                        Golden.INVERTED);
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> effectSizes() {
        return each(sample -> {
            closeOrAbsent(
                    EffectSize.rankBiserial(sample.values()), sample.expected().get("rank_biserial"));
            Optional<EffectSize> effect = EffectSize.paired(sample.values());
            JsonNode expected = sample.expected().get("d_z");
            assertThat(effect.isPresent()).isEqualTo(expected != null);
            if (effect.isPresent()) {
                close(effect.get().d(), expected.get("d_z"));
                closeOrAbsent(effect.get().correction(), expected.get("hedges_correction"));
                closeOrAbsent(effect.get().corrected(), expected.get("g_z"));
                Golden.close(effect.get().interval(0.025), expected.get("ci95"), Golden.INVERTED);
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> wilcoxon() {
        return each(sample -> {
            Wilcoxon test = Wilcoxon.test(sample.values());
            JsonNode expected = sample.expected().get("wilcoxon");
            assertThat(test.nonzero()).isEqualTo(expected.get("n_nonzero").intValue());
            assertThat(test.zeros()).isEqualTo(expected.get("zeros").intValue());
            assertThat(test.plus()).isEqualTo(expected.get("w_plus").doubleValue());
            assertThat(test.minus()).isEqualTo(expected.get("w_minus").doubleValue());
            assertThat(test.exactP() != null).isEqualTo(test.nonzero() <= Wilcoxon.MAX_EXACT);
            close(Wilcoxon.exact(sample.values()), expected.get("exact_p"));
            if (test.exactP() != null) {
                close(test.exactP(), expected.get("exact_p"));
            }
            assertThat(test.approximate() != null)
                    .isEqualTo(!expected.get("approximate_p").isNull());
            assertThat(test.approximate() != null).isEqualTo(!expected.get("z").isNull());
            if (test.approximate() != null) {
                close(test.approximate().p(), expected.get("approximate_p"));
                close(test.approximate().z(), expected.get("z"));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> shareOfPromptsInTheDirection() {
        return each(sample -> {
            JsonNode expected = sample.expected().get("sign");
            int positive =
                    (int) Arrays.stream(sample.values()).filter(v -> v > 0).count();
            int nonzero =
                    (int) Arrays.stream(sample.values()).filter(v -> v != 0).count();
            assertThat(positive).isEqualTo(expected.get("positive").intValue());
            Proportion share = new Proportion(positive, sample.values().length);
            close(share.value(), expected.get("share_positive"));
            close(share.wilson(0.025), expected.get("wilson"));
            close(share.clopperPearson(0.025), expected.get("clopper_pearson"));
            if (nonzero > 0) {
                close(new Proportion(positive, nonzero).against(0.5).twoSided(), expected.get("p_two_sided"));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> signFlip() {
        return each(sample -> {
            same(
                    SignFlip.test(sample.values(), sample.units(), sample.random("sign-flip")),
                    sample.expected().get("sign_flip"));
            same(
                    SignFlip.minimumEffect(
                            sample.values(), sample.units(), sample.bound(), sample.random("sign-flip-minimum")),
                    sample.expected().get("sign_flip_minimum_effect"));
        });
    }

    static void same(SignFlip test, JsonNode expected) {
        assertThat(test.exact()).isEqualTo(expected.get("method").asString().equals("exact"));
        assertThat(test.units()).isEqualTo(expected.get("units").intValue());
        assertThat(test.total()).isEqualTo(expected.get("total").longValue());
        assertThat(List.of(test.twoSided(), test.greater(), test.less()))
                .isEqualTo(Stream.of("two_sided", "greater", "less")
                        .map(side -> expected.get("count").get(side).longValue())
                        .toList());
        close(test.statistic(), expected.get("statistic"));
        assertThat(test.p().twoSided())
                .isEqualTo(expected.get("p").get("two_sided").doubleValue());
        assertThat(test.smallestTwoSided())
                .isEqualTo(expected.get("smallest_p").get("two_sided").doubleValue());
        assertThat(test.smallestOneSided())
                .isEqualTo(expected.get("smallest_p").get("one_sided").doubleValue());
    }

    @TestFactory
    Stream<DynamicTest> bootstrapOfTheMean() {
        return each(sample -> same(
                Bootstrap.ofMean(sample.values(), sample.units(), REPLICATES, sample.random("bootstrap-mean")),
                sample.expected().get("bootstrap_mean")));
    }

    @TestFactory
    Stream<DynamicTest> bootstrapOfTheMedian() {
        return each(sample -> {
            JsonNode expected = sample.expected().get("bootstrap_median");
            if (expected == null) {
                assertThat(sample.units().count()).isLessThan(sample.values().length);
                return;
            }
            Bootstrap bootstrap =
                    Bootstrap.ofMedian(sample.values(), sample.units(), REPLICATES, sample.random("bootstrap-median"));
            close(bootstrap.estimate(), sample.expected().get("median"));
            same(bootstrap, expected);
        });
    }

    @TestFactory
    Stream<DynamicTest> allResamplesOfFewUnits() {
        return each(sample -> {
            JsonNode expected = sample.expected().get("exact_bootstrap_mean");
            if (expected != null) {
                same(Bootstrap.enumerated(sample.values(), sample.units()), expected);
            }
        });
    }

    static void same(Bootstrap bootstrap, JsonNode expected) {
        assertThat(bootstrap.replicates()).isEqualTo(expected.get("replicates").intValue());
        close(bootstrap.standardError(), expected.get("se"));
        close(bootstrap.percentile(0.025), expected.get("percentile"));
        close(bootstrap.shareBelow(), expected.get("share_below"));
        closeOrAbsent(bootstrap.bias(), expected.get("z0"));
        closeOrAbsent(bootstrap.acceleration(), expected.get("acceleration"));
        closeOrAbsent(bootstrap.bca(0.025), expected.get("bca"));
        assertThat(bootstrap.bca(0.025).isEmpty())
                .isEqualTo(expected.get("degenerate").booleanValue());
    }

    @TestFactory
    Stream<DynamicTest> intervalsOfVerdicts() {
        return each(sample -> {
            same(sample, VerdictInterval.DIRECTED_TAIL, sample.expected().get("verdict_interval"));
            same(sample, VerdictInterval.NO_EFFECT_TAIL, sample.expected().get("verdict_interval_no_effect"));
        });
    }

    private static void same(Sample sample, double tail, JsonNode expected) {
        Optional<VerdictInterval> found =
                VerdictInterval.of(sample.values(), sample.units(), tail, REPLICATES, sample.random("bootstrap-mean"));
        assertThat(found.isPresent()).isEqualTo(!expected.isNull());
        if (found.isPresent()) {
            VerdictInterval interval = found.get();
            assertThat(interval.units()).isEqualTo(expected.get("units").intValue());
            close(interval.skewness(), expected.get("skewness"));
            assertThat(interval.skewed()).isEqualTo(expected.get("skewed").booleanValue());
            close(interval.tail(), expected.get("tail"));
            closeOrAbsent(Optional.ofNullable(interval.bca()), expected.get("bca"));
            close(interval.percentile(), expected.get("percentile"));
            close(interval.clusteredT(), expected.get("clustered_t"));
            closeOrAbsent(Optional.ofNullable(interval.studentised()), expected.get("studentised"));
            close(interval.interval(), expected.get("interval"));
        }
    }

    @TestFactory
    Stream<DynamicTest> clustering() {
        return samples()
                .filter(sample -> sample.expected().has("clustered"))
                .map(sample -> DynamicTest.dynamicTest(sample.name(), () -> {
                    JsonNode expected = sample.expected().get("clustered");
                    sameClustering(sample.values(), sample.units(), expected);
                    if (sample.crossed().isPresent()) {
                        JsonNode twoWay = expected.get("two_way");
                        Clustering.TwoWay found = Clustering.TwoWay.of(
                                sample.values(),
                                sample.units(),
                                sample.crossed().get());
                        assertThat(List.of(found.unitsA(), found.unitsB(), found.unitsCrossed()))
                                .isEqualTo(twoWay.get("clusters")
                                        .valueStream()
                                        .map(JsonNode::intValue)
                                        .toList());
                        close(found.varianceA(), twoWay.get("variances").get(0));
                        close(found.varianceB(), twoWay.get("variances").get(1));
                        close(found.varianceCrossed(), twoWay.get("variances").get(2));
                        close(found.variance(), twoWay.get("variance"));
                        assertThat(found.fellBack())
                                .isEqualTo(twoWay.get("fell_back").booleanValue());
                        TTest test = found.test();
                        close(test.standardError(), twoWay.get("se"));
                        close(test.degreesOfFreedom(), twoWay.get("df"));
                        close(test.p().twoSided(), twoWay.get("p_two_sided"));
                    }
                }));
    }

    static void sameClustering(double[] values, Units units, JsonNode expected) {
        Clustering found = Clustering.of(values, units);
        assertThat(found.units()).isEqualTo(expected.get("clusters").intValue());
        assertThat(units.sizes())
                .containsExactly(expected.get("sizes")
                        .valueStream()
                        .mapToInt(JsonNode::intValue)
                        .toArray());
        close(found.promptMean(), expected.get("prompt_mean"));
        close(found.unitMean(), expected.get("cluster_mean"));
        close(found.standardError(), expected.get("se"));
        close(found.jackknifeStandardError(), expected.get("jackknife_se"));
        close(found.naiveStandardError(), expected.get("naive_se"));
        close(found.meanSquareBetween(), expected.get("msb"));
        closeOrAbsent(found.meanSquareWithin(), expected.get("msw"));
        close(found.typicalSize(), expected.get("n0"));
        closeOrAbsent(found.intraclassCorrelation(), expected.get("icc"));
        close(found.designEffect(), expected.get("design_effect"));
        TTest test = TTest.of(values, units).orElseThrow();
        close(test.t(), expected.get("t"));
        close(test.degreesOfFreedom(), expected.get("df"));
        close(test.p().twoSided(), expected.get("p_two_sided"));
        close(test.interval(0.025), expected.get("ci95"));
    }
}
