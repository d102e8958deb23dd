package dev.hyaline.analysis.lens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.weights.WeightProcessing;
import dev.hyaline.weights.Checkpoint;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Lens and attribution of fable, raw and with its weights processed, against TransformerLens. */
final class LensTest {
    private static Checkpoint checkpoint;
    private static Gpt2 raw;
    private static Gpt2 processed;
    private static PromptPairs pairs;

    @BeforeAll
    static void load() {
        checkpoint = Checkpoint.builtIn("fable");
        raw = Gpt2.of(checkpoint.weights(), 2);
        processed = Gpt2.of(WeightProcessing.processWeights(checkpoint.weights()), 2);
        pairs = GoldenIoi.pairs(raw.config());
    }

    @AfterAll
    static void close() {
        raw.close();
        processed.close();
        checkpoint.close();
    }

    /** Compares all cells but those of the bias, which TransformerLens does not give. */
    private static void assertClose(ResultTable table, String golden) {
        double[] expected = GoldenIoi.tensor(golden);
        int[] cells = IntStream.range(0, table.cells())
                .filter(cell -> !table.labels(cell).getLast().equals("bias"))
                .toArray();
        assertThat(expected).hasSize(cells.length * table.samples().size());
        for (int i = 0; i < cells.length; i++) {
            for (int pair = 0; pair < pairs.size(); pair++) {
                assertThat(table.values(cells[i])[pair])
                        .isCloseTo(expected[i * pairs.size() + pair], within(GoldenIoi.TOLERANCE));
            }
        }
    }

    private static List<String> labelsBeforeTheBias(ResultTable table) {
        List<String> labels = table.axes().getFirst().labels();
        assertThat(labels.getLast()).isEqualTo("bias");
        return labels.subList(0, labels.size() - 1);
    }

    private static double sum(ResultTable table, int pair) {
        return IntStream.range(0, table.cells())
                .mapToDouble(cell -> table.values(cell)[pair])
                .sum();
    }

    @Test
    void agreesWithTransformerLens() {
        DirectLogitAttribution attribution = DirectLogitAttribution.of(processed, pairs, "end");
        assertThat(labelsBeforeTheBias(attribution.alongTheStream().table())).isEqualTo(GoldenIoi.labels("lens"));
        assertClose(attribution.alongTheStream().table(), "lens.logit_diff");
        assertThat(labelsBeforeTheBias(attribution.byLayer().table())).isEqualTo(GoldenIoi.labels("dla.layer"));
        assertClose(attribution.byLayer().table(), "dla.layer");
        assertClose(attribution.byHead().table(), "dla.head");
    }

    @Test
    void partsAddUpToTheirWhole() {
        for (Gpt2 model : List.of(raw, processed)) {
            DirectLogitAttribution attribution = DirectLogitAttribution.of(model, pairs, "end");
            for (DirectLogitAttribution.Result result : List.of(
                    attribution.alongTheStream(),
                    attribution.byLayer(),
                    attribution.byHead(),
                    attribution.byNeuron(),
                    attribution.byPosition())) {
                assertThat(result.sumCheck().values()).isEqualTo(8);
                assertThat(result.sumCheck().largestValue()).isGreaterThan(0.1);
                assertThat(result.sumCheck().largestError())
                        .as(result.table().title())
                        .isLessThan(GoldenIoi.TOLERANCE);
            }
        }
    }

    @Test
    void theShownPartsAddUpToWhatTheWholeSays() {
        for (Gpt2 model : List.of(raw, processed)) {
            DirectLogitAttribution attribution = DirectLogitAttribution.of(model, pairs, "end");
            DirectLogitAttribution.Result layers = attribution.byLayer();
            DirectLogitAttribution.Result heads = attribution.byHead();
            DirectLogitAttribution.Result neurons = attribution.byNeuron();
            ResultTable stream = attribution.alongTheStream().table();
            assertThat(layers.whole()).isEqualTo("the logit difference");
            assertThat(heads.whole()).isEqualTo("what all attention adds to the logit difference");
            assertThat(neurons.whole()).isEqualTo("what all MLPs add to the logit difference");
            double[] difference = GoldenIoi.tensor("clean.logit_diff");
            for (int pair = 0; pair < pairs.size(); pair++) {
                assertThat(sum(layers.table(), pair)).isCloseTo(difference[pair], within(GoldenIoi.TOLERANCE));
                double end = stream.values(stream.cells() - 2)[pair] + stream.values(stream.cells() - 1)[pair];
                assertThat(end).isCloseTo(difference[pair], within(GoldenIoi.TOLERANCE));
                for (int layer = 0; layer < model.config().nLayers(); layer++) {
                    assertThat(sumOfLayer(heads.table(), layer, pair))
                            .isCloseTo(of(layers.table(), layer + "_attn_out", pair), within(GoldenIoi.TOLERANCE));
                    assertThat(sumOfLayer(neurons.table(), layer, pair))
                            .isCloseTo(of(layers.table(), layer + "_mlp_out", pair), within(GoldenIoi.TOLERANCE));
                }
            }
        }
    }

    private static double sumOfLayer(ResultTable table, int layer, int pair) {
        int steps = table.axes().get(1).size();
        assertThat(table.axes().get(1).labels().getLast()).isEqualTo("bias");
        return IntStream.range(0, steps)
                .mapToDouble(step -> table.values(table.cell(layer, step))[pair])
                .sum();
    }

    private static double of(ResultTable table, String label, int pair) {
        return table.values(table.axes().getFirst().labels().indexOf(label))[pair];
    }

    @Test
    void chosenPositionsAreThoseOfTheirRoles() {
        DirectLogitAttribution attribution = DirectLogitAttribution.of(processed, pairs, "end");
        DirectLogitAttribution chosen = attribution.at(PositionAxis.ofRoles(pairs, List.of("S2", "end")));
        DirectLogitAttribution second = DirectLogitAttribution.of(processed, pairs, "S2");
        ResultTable heads = chosen.byHead().table();
        assertThat(heads.axes().getFirst()).isEqualTo(new Axis("read at", List.of("S2", "end")));
        assertThat(samples(heads)).containsExactly(both(second.byHead(), attribution.byHead()));
        assertThat(samples(chosen.byPosition().table()))
                .containsExactly(both(second.byPosition(), attribution.byPosition()));
        assertThat(chosen.byHead().sumCheck().values()).isEqualTo(16);
        assertThat(chosen.byHead().sumCheck().largestError()).isLessThan(GoldenIoi.TOLERANCE);
        PromptPairs others = PromptPairs.of(processed.config(), pairs.list().subList(0, 1));
        assertThatThrownBy(() -> attribution.at(PositionAxis.all(others)))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("other pairs");
    }

    private static double[] both(DirectLogitAttribution.Result first, DirectLogitAttribution.Result second) {
        return DoubleStream.concat(Arrays.stream(samples(first.table())), Arrays.stream(samples(second.table())))
                .toArray();
    }

    private static double[] samples(ResultTable table) {
        return IntStream.range(0, table.cells())
                .mapToObj(table::values)
                .flatMapToDouble(Arrays::stream)
                .toArray();
    }

    @Test
    void titlesTellTheLensFromAttribution() {
        String lens = LogitLens.of(raw).measure(pairs, Metric.logitDifference()).title();
        assertThat(lens).isEqualTo("Logit lens");
        assertThat(DirectLogitAttribution.of(raw, pairs, "end")
                        .alongTheStream()
                        .table()
                        .title())
                .isEqualTo("Direct logit attribution along the residual stream");
    }

    @Test
    void sourcesOfAHeadAddUpToTheHead() {
        DirectLogitAttribution attribution = DirectLogitAttribution.of(processed, pairs, "end");
        ResultTable heads = attribution.byHead().table();
        ResultTable sources = attribution.byPosition().table();
        for (int layer = 0; layer < processed.config().nLayers(); layer++) {
            for (int head = 0; head < processed.config().nHeads(); head++) {
                double sum = 0;
                for (int position = 0; position < 15; position++) {
                    sum += sources.meanAt(layer, head, position);
                }
                assertThat(sum).isCloseTo(heads.meanAt(layer, head), within(1e-5));
            }
        }
    }

    @Test
    void setsOfAnswersAndOtherRolesAreAttributedToo() {
        PromptPairs years = PromptPairs.of(raw.config(), Task.GREATER_THAN.draw(Fable.encoder(), 2, 1));
        DirectLogitAttribution.Result result =
                DirectLogitAttribution.of(raw, years, "end").byLayer();
        assertThat(result.sumCheck().largestError()).isLessThan(GoldenIoi.TOLERANCE);
        DirectLogitAttribution.Result atS2 =
                DirectLogitAttribution.of(raw, pairs, "S2").byHead();
        assertThat(atS2.sumCheck().largestError()).isLessThan(GoldenIoi.TOLERANCE);
        assertThatThrownBy(() -> DirectLogitAttribution.of(raw, pairs, "S3"))
                .hasMessageContaining("there is no role S3");
    }

    @Test
    void theLensEndsWithTheModelsOwnLogits() {
        LogitLens lens = LogitLens.of(raw);
        for (Metric metric : Metric.all("end")) {
            ResultTable table = lens.measure(pairs, metric);
            assertThat(table.cells()).isEqualTo(9);
        }
        ResultTable difference = lens.measure(pairs, Metric.logitDifference());
        double[] clean = GoldenIoi.tensor("clean.logit_diff");
        for (int pair = 0; pair < pairs.size(); pair++) {
            assertThat(difference.values(8)[pair]).isCloseTo(clean[pair], within(GoldenIoi.TOLERANCE));
        }
        int[] prompt = pairs.get(0).clean();
        List<List<List<NextToken>>> likeliest = lens.likeliest(prompt, 3);
        assertThat(likeliest).hasSize(9);
        float[] logits = raw.logits(prompt);
        float[] last = java.util.Arrays.copyOfRange(logits, 14 * 1536, 15 * 1536);
        assertThat(likeliest.get(8).get(14)).isEqualTo(NextToken.likeliest(last, 3));
        assertThat(likeliest.get(8).get(14).getFirst().token())
                .isEqualTo(pairs.get(0).answers()[0]);
        assertThat(likeliest.get(0).get(14).getFirst().token())
                .isNotEqualTo(pairs.get(0).answers()[0]);
    }
}
