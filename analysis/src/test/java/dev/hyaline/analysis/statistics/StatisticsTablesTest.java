package dev.hyaline.analysis.statistics;

import static dev.hyaline.analysis.statistics.Golden.close;
import static dev.hyaline.analysis.statistics.Golden.closeOrAbsent;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.analysis.statistics.association.Hsic;
import dev.hyaline.analysis.statistics.association.Shapley;
import dev.hyaline.analysis.statistics.association.Similarity;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.analysis.statistics.compare.Auroc;
import dev.hyaline.analysis.statistics.compare.KolmogorovSmirnov;
import dev.hyaline.analysis.statistics.compare.MannWhitney;
import dev.hyaline.analysis.statistics.compare.MeanDifference;
import dev.hyaline.analysis.statistics.compare.PermutationTest;
import dev.hyaline.analysis.statistics.power.Power;
import dev.hyaline.analysis.statistics.power.Spending;
import dev.hyaline.instrument.CounterRandom;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Reference values of two samples, of pairs, and of tables of cases. */
class StatisticsTablesTest {
    private static final JsonNode FILE = Golden.read("datasets.json");
    private static final JsonNode TABLES = Golden.read("tables.json");
    private static final long SEED = FILE.get("random_seed").longValue();

    private static CounterRandom random(JsonNode node, String quantity) {
        return CounterRandom.of(SEED).named(node.get("name").asString() + "/" + quantity);
    }

    private static Stream<JsonNode> dataSets(String kind) {
        return FILE.get("datasets")
                .valueStream()
                .filter(node -> node.get("kind").asString().equals(kind));
    }

    private static List<JsonNode> cases(String table) {
        List<JsonNode> cases = TABLES.get(table).valueStream().toList();
        assertThat(cases).isNotEmpty();
        return cases;
    }

    @Test
    void counterRandom() {
        for (JsonNode each : cases("counter_random")) {
            CounterRandom random = CounterRandom.of(each.get("seed").longValue());
            String label = each.get("label").asString();
            assertThat(CounterRandom.stream(label)).isEqualTo(each.get("stream").longValue());
            CounterRandom replicate = random.named(label).with(7);
            for (int i = 0; i < 3; i++) {
                assertThat(random.bits(i)).isEqualTo(each.get("bits").get(i).longValue());
                assertThat(random.named(label).bits(i))
                        .isEqualTo(each.get("stream_bits").get(i).longValue());
                assertThat(replicate.bits(i))
                        .isEqualTo(each.get("replicate_7_bits").get(i).longValue());
            }
            assertThat(IntStream.range(0, 12).map(j -> replicate.index(j, 10)).boxed())
                    .isEqualTo(each.get("replicate_7_indices_below_10")
                            .valueStream()
                            .map(JsonNode::intValue)
                            .toList());
            assertThat(IntStream.of(replicate.permutation(8)).boxed())
                    .isEqualTo(each.get("replicate_7_permutation_of_8")
                            .valueStream()
                            .map(JsonNode::intValue)
                            .toList());
            assertThat(IntStream.range(0, 70).mapToObj(j -> replicate.flip(j) ? -1 : 1))
                    .isEqualTo(each.get("replicate_7_flips_of_70")
                            .valueStream()
                            .map(JsonNode::intValue)
                            .toList());
        }
    }

    @Test
    void twoSampleMeans() {
        dataSets("two-sample").forEach(node -> {
            double[] x = Golden.doubles(node.get("x"));
            double[] y = Golden.doubles(node.get("y"));
            JsonNode expected = node.get("expected");
            TTest welch = MeanDifference.welch(x, y).orElseThrow();
            close(welch.estimate(), expected.get("difference"));
            close(welch.t(), expected.get("welch").get("t"));
            close(welch.degreesOfFreedom(), expected.get("welch").get("df"));
            close(welch.p().twoSided(), expected.get("welch").get("p_two_sided"));
            close(welch.interval(0.025), expected.get("welch").get("ci95"));
            TTest student = MeanDifference.student(x, y).orElseThrow();
            close(student.t(), expected.get("student").get("t"));
            close(student.degreesOfFreedom(), expected.get("student").get("df"));
            close(student.p().twoSided(), expected.get("student").get("p_two_sided"));
            EffectSize effect = EffectSize.ofTwo(x, y).orElseThrow();
            close(effect.d(), expected.get("hedges").get("cohens_d"));
            close(effect.correction().orElseThrow(), expected.get("hedges").get("correction"));
            close(effect.corrected().orElseThrow(), expected.get("hedges").get("g"));
            close(effect.interval(0.025), expected.get("hedges").get("d_ci95"), Golden.INVERTED);
            PermutationTest permutation = PermutationTest.test(x, y, 999, random(node, "permutation"));
            JsonNode counts = expected.get("permutation");
            assertThat(permutation.exact())
                    .isEqualTo(counts.get("method").asString().equals("exact"));
            assertThat(List.of(permutation.total(), permutation.twoSided(), permutation.greater(), permutation.less()))
                    .isEqualTo(List.of(
                            counts.get("total").longValue(),
                            counts.get("count").get("two_sided").longValue(),
                            counts.get("count").get("greater").longValue(),
                            counts.get("count").get("less").longValue()));
            close(permutation.p(), counts.get("p"));
        });
    }

    @Test
    void twoSampleRanksAndDistributions() {
        dataSets("two-sample").forEach(node -> {
            double[] x = Golden.doubles(node.get("x"));
            double[] y = Golden.doubles(node.get("y"));
            JsonNode expected = node.get("expected");
            MannWhitney ranks = MannWhitney.test(x, y);
            JsonNode u = expected.get("mann_whitney");
            assertThat(ranks.u()).isEqualTo(u.get("u").doubleValue());
            close(ranks.approximate().z(), u.get("z"));
            close(ranks.approximate().p(), u.get("approximate_p"));
            assertThat(ranks.exactP() != null).isEqualTo(u.has("exact_p"));
            if (ranks.exactP() != null) {
                close(ranks.exactP(), u.get("exact_p"));
            }
            close(ranks.cliffsDelta(), expected.get("cliffs_delta"));
            Auroc auroc = Auroc.of(x, y);
            close(auroc.area(), expected.get("auroc").get("auroc"));
            close(auroc.standardError(), expected.get("auroc").get("se"));
            close(auroc.interval(0.025).orElseThrow(), expected.get("auroc").get("logit_ci95"));
            KolmogorovSmirnov distance = KolmogorovSmirnov.test(x, y);
            JsonNode ks = expected.get("kolmogorov_smirnov");
            close(distance.d(), ks.get("d"));
            assertThat(distance.ties()).isEqualTo(ks.get("ties").booleanValue());
            assertThat(distance.exactP() != null).isEqualTo(ks.has("exact_p"));
            if (distance.exactP() != null) {
                close(distance.exactP(), ks.get("exact_p"));
            }
        });
    }

    @Test
    void correlations() {
        dataSets("bivariate").forEach(node -> {
            double[] x = Golden.doubles(node.get("x"));
            double[] y = Golden.doubles(node.get("y"));
            JsonNode expected = node.get("expected");
            Correlation.Pearson pearson = Correlation.pearson(x, y).orElseThrow();
            close(pearson.r(), expected.get("pearson").get("r"));
            close(pearson.twoSidedP(), expected.get("pearson").get("p_two_sided"));
            close(pearson.interval(0.025).orElseThrow(), expected.get("pearson").get("fisher_ci95"));
            Correlation.Spearman spearman = Correlation.spearman(x, y).orElseThrow();
            close(spearman.rho(), expected.get("spearman").get("rho"));
            close(spearman.twoSidedT(), expected.get("spearman").get("t_p_two_sided"));
            JsonNode exact = expected.get("spearman").get("exact");
            assertThat(spearman.orders() != null).isEqualTo(exact != null);
            if (exact != null) {
                assertThat(spearman.orders().atLeast())
                        .isEqualTo(exact.get("count_two_sided").longValue());
                assertThat(spearman.orders().total())
                        .isEqualTo(exact.get("total").longValue());
            }
            Correlation.Kendall kendall = Correlation.kendall(x, y).orElseThrow();
            close(kendall.tauB(), expected.get("kendall").get("tau_b"));
            assertThat(kendall.concordant())
                    .isEqualTo(expected.get("kendall").get("concordant").longValue());
            assertThat(kendall.discordant())
                    .isEqualTo(expected.get("kendall").get("discordant").longValue());
            close(kendall.twoSidedP(), expected.get("kendall").get("scipy_p_two_sided"));
        });
    }

    @Test
    void independence() {
        dataSets("bivariate").forEach(node -> {
            double[] x = Golden.doubles(node.get("x"));
            JsonNode expected = node.get("expected").get("hsic");
            Hsic hsic = Hsic.test(
                    x,
                    Golden.doubles(node.get("y")),
                    Units.of(Collections.nCopies(x.length, "all")),
                    expected.get("draws").intValue(),
                    random(node, "hsic"));
            close(hsic.value(), expected.get("hsic"));
            assertThat(hsic.count()).isEqualTo(expected.get("count").longValue());
            assertThat(hsic.p()).isEqualTo(expected.get("p").doubleValue());
        });
    }

    @Test
    void proportions() {
        for (JsonNode each : cases("proportions")) {
            Proportion share = new Proportion(
                    each.get("successes").intValue(), each.get("trials").intValue());
            close(share.wilson(0.025), each.get("wilson"));
            close(share.clopperPearson(0.025), each.get("clopper_pearson"));
            close(share.against(0.5).twoSided(), each.get("two_sided_p_half"));
            close(share.against(0.9).greater(), each.get("upper_tail_p_90"));
            close(share.against(0.9).less(), each.get("lower_tail_p_90"));
        }
    }

    @Test
    void families() {
        for (JsonNode each : cases("families")) {
            double[] p = Golden.doubles(each.get("p"));
            for (Adjustment adjustment : Adjustment.values()) {
                double[] expected = Golden.doubles(
                        each.get("expected").get(adjustment.name().toLowerCase(Locale.ROOT)));
                assertThat(adjustment.adjust(p)).containsExactly(expected, within(1e-12));
            }
        }
    }

    @Test
    void powerAndSampleSize() {
        for (JsonNode each : cases("power")) {
            close(
                    Power.ofT(
                            each.get("d").doubleValue(),
                            each.get("n").intValue(),
                            each.get("alpha").doubleValue(),
                            sides(each)),
                    each.get("power"));
        }
        for (JsonNode each : cases("sample_size")) {
            assertThat(Power.sampleSize(
                            each.get("d").doubleValue(),
                            each.get("alpha").doubleValue(),
                            each.get("target").doubleValue(),
                            sides(each)))
                    .isEqualTo(each.get("n").intValue());
        }
        for (JsonNode each : cases("cluster_power")) {
            double effect = each.get("effect").doubleValue();
            double sd = each.get("sd").doubleValue();
            double alike = each.get("icc").doubleValue();
            int size = each.get("per_cluster").intValue();
            double alpha = each.get("alpha").doubleValue();
            close(Power.ofUnits(effect, sd, alike, size, each.get("clusters").intValue(), alpha), each.get("power"));
            assertThat(Power.unitsNeeded(effect, sd, alike, size, alpha, 0.8))
                    .isEqualTo(each.get("clusters_for_80").intValue());
        }
    }

    /** Against scipy: {@code sqrt((n - 1) / chi2.ppf(0.2, n - 1))}. */
    @Test
    void pilotsHaveABoundOfTheirSpread() {
        assertThat(Power.pilotBound(1, 2)).isCloseTo(3.9471538755427455, within(1e-9));
        assertThat(Power.pilotBound(2, 10)).isCloseTo(2 * 1.2933854444729525, within(1e-9));
        assertThat(Power.pilotBound(1, 30)).isCloseTo(1.1359223549817201, within(1e-9));
        assertThatThrownBy(() -> Power.pilotBound(1, 1)).hasMessageContaining("found 1 and spread 1.0");
    }

    private static Power.Sides sides(JsonNode each) {
        return each.get("sides").intValue() == 1 ? Power.Sides.ONE : Power.Sides.TWO;
    }

    @Test
    void noncentralT() {
        for (JsonNode each : cases("noncentral_t")) {
            double t = each.get("t").doubleValue();
            double freedom = each.get("df").doubleValue();
            double delta = each.get("noncentrality").doubleValue();
            close(NoncentralT.cumulative(t, freedom, delta), each.get("cdf"));
            assertThat(NoncentralT.noncentrality(t, freedom, each.get("cdf").doubleValue()))
                    .isCloseTo(delta, within(1e-7 * Math.max(1, Math.abs(delta))));
        }
    }

    @Test
    void bayesFactors() {
        for (JsonNode each : cases("bayes_factor")) {
            close(
                    BayesFactor.ofT(
                            each.get("t").doubleValue(),
                            each.get("n").intValue(),
                            each.get("scale").doubleValue()),
                    each.get("bf10"),
                    Golden.INVERTED);
        }
    }

    @Test
    void boundsOfLooks() {
        for (JsonNode each : cases("alpha_spending")) {
            Spending kind = each.get("kind").asString().equals("pocock") ? Spending.POCOCK : Spending.OBRIEN_FLEMING;
            double[] bounds =
                    kind.bounds(each.get("looks").intValue(), each.get("alpha").doubleValue());
            assertThat(bounds).containsExactly(Golden.doubles(each.get("z")), within(1e-6));
        }
    }

    @Test
    void games() {
        for (JsonNode each : cases("games")) {
            double[] value = Golden.doubles(each.get("value_by_mask"));
            int players = each.get("players").intValue();
            assertThat(Shapley.values(players, set -> value[set]))
                    .containsExactly(Golden.doubles(each.get("expected").get("shapley")), within(1e-9));
            double[][] interactions = Shapley.interactions(players, set -> value[set]);
            for (int i = 0; i < players; i++) {
                assertThat(interactions[i])
                        .containsExactly(
                                Golden.doubles(
                                        each.get("expected").get("interaction").get(i)),
                                within(1e-9));
            }
        }
    }

    @Test
    void stability() {
        for (JsonNode each : cases("stability")) {
            List<Set<String>> sets = each.get("sets")
                    .valueStream()
                    .<Set<String>>map(set -> new LinkedHashSet<>(Golden.strings(set)))
                    .toList();
            Stability stability = Stability.of(new LinkedHashSet<>(Golden.strings(each.get("reference"))), sets);
            JsonNode expected = each.get("expected");
            assertThat(stability.toReference().stream()
                            .mapToDouble(Double::doubleValue)
                            .toArray())
                    .containsExactly(Golden.doubles(expected.get("jaccard_to_reference")), within(1e-12));
            close(stability.mean(), expected.get("mean"));
            close(stability.interval(0.025), expected.get("interval95"));
            close(stability.meanPairwise(), expected.get("mean_pairwise"));
            assertThat(stability.inclusion()).hasSize(expected.get("inclusion").size());
            stability.inclusion().forEach((name, share) -> {
                assertThat(share.successes())
                        .isEqualTo(
                                expected.get("inclusion").get(name).get("count").intValue());
                close(share.wilson(0.025), expected.get("inclusion").get(name).get("wilson"));
            });
            JsonNode first = expected.get("first_set_as_proportion");
            if (first.get("either").intValue() > 0) {
                close(
                        new Proportion(
                                        first.get("both").intValue(),
                                        first.get("either").intValue())
                                .clopperPearson(0.025),
                        first.get("clopper_pearson"));
            }
        }
    }

    @Test
    void similarity() {
        for (JsonNode each : cases("similarity")) {
            JsonNode a = each.get("a");
            JsonNode b = each.get("b");
            double found = switch (each.get("kind").asString()) {
                case "effect" -> Similarity.ofEffects(a.doubleValue(), b.doubleValue());
                case "set" ->
                    Similarity.ofSets(new LinkedHashSet<>(Golden.strings(a)), new LinkedHashSet<>(Golden.strings(b)));
                case "ranking" -> Similarity.ofRankings(Golden.doubles(a), Golden.doubles(b));
                case "signs" ->
                    Similarity.ofSigns(
                            Golden.doubles(a),
                            Golden.doubles(b),
                            each.get("sesoi").doubleValue());
                case "classes" -> Similarity.ofClasses(Golden.strings(a), Golden.strings(b));
                case "map" -> Similarity.ofMaps(Golden.doubles(a), Golden.doubles(b));
                default -> throw new AssertionError(each.toString());
            };
            close(found, each.get("expected"));
        }
    }

    @Test
    void faithfulness() {
        for (JsonNode each : cases("faithfulness")) {
            Units units = Units.of(Golden.strings(each.get("clusters")));
            Ratio ratio = Ratio.of(
                    Golden.doubles(each.get("full")),
                    Golden.doubles(each.get("empty")),
                    Golden.doubles(each.get("circuit")),
                    units);
            JsonNode expected = each.get("expected");
            close(ratio.value(), expected.get("faithfulness"));
            Bootstrap bootstrap =
                    ratio.bootstrap(FILE.get("bootstrap_replicates").intValue(), random(each, "bootstrap-ratio"));
            OneSampleTest.same(bootstrap, expected.get("bootstrap"));
            closeOrAbsent(ratio.fieller(0.025), expected.get("fieller_ci95"));
            close(ratio.meanAbsoluteGap(), expected.get("mean_absolute_gap"));
            double[] contrast = ratio.contrast(each.get("bound").doubleValue());
            OneSampleTest.same(
                    SignFlip.test(contrast, units, random(each, "contrast")), expected.get("contrast_sign_flip"));
            close(TTest.of(contrast, units).orElseThrow().estimate(), expected.get("contrast_mean"));
            OneSampleTest.sameClustering(contrast, units, expected.get("contrast_clustered"));
        }
    }
}
