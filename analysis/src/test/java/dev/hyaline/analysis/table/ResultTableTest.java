package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class ResultTableTest {
    private static final String FIGURES =
            "n,units,units_known,effect,interval_low,interval_high,p,adjusted_p,effect_size,origin,";

    static ResultTable table(int layers, int positions, int samples) {
        return ResultTable.of(
                "a <title> & \"more\"",
                "logit difference",
                "logits",
                List.of(Axis.layers(layers), Axis.indices(Axis.POSITION, positions)),
                IntStream.range(0, samples).mapToObj(s -> "pair, " + s).toList(),
                IntStream.range(0, layers * positions * samples)
                        .mapToDouble(i -> i * i / 7.0)
                        .toArray());
    }

    @Test
    void meanAndErrorByHand() {
        ResultTable table = ResultTable.of(
                "t", "q", "u", List.of(Axis.heads(2)), List.of("a", "b", "c", "d"), new double[] {1, 2, 3, 6, 5, 5, 5, 5
                });
        assertThat(table.means()).containsExactly(3, 5);
        assertThat(table.standardDeviation(0)).isCloseTo(Math.sqrt(14 / 3.0), within(1e-15));
        assertThat(table.standardError(0)).isCloseTo(Math.sqrt(14 / 3.0) / 2, within(1e-15));
        assertThat(table.standardError(1)).isZero();
        assertThat(table(2, 2, 1).standardError(0)).isNaN();
    }

    @Test
    void aMissingSampleLeavesNoMean() {
        ResultTable table =
                ResultTable.of("t", "q", "u", List.of(Axis.heads(1)), List.of("a", "b"), new double[] {1, Double.NaN});
        assertThat(table.mean(0)).isNaN();
        assertThat(TableText.csv(table))
                .isEqualTo("head,mean,standard_error," + FIGURES + "a,b,test\n0,,,2,2,false,,,,,,,,1.0,,\n");
    }

    @Test
    void aNormalisationKnowsTheSample() {
        ResultTable half = table(1, 2, 2).neutralAt(4).map("share", "", (sample, v) -> v / (sample + 1));
        assertThat(half.neutral()).isEmpty();
        assertThat(half.meanAt(0, 1)).isCloseTo((4 + 9 / 2.0) / 14, within(1e-15));
        assertThat(half.quantity()).isEqualTo("share");
    }

    @Property
    void cellsAndIndicesAreInverse(
            @ForAll @IntRange(min = 1, max = 5) int a, @ForAll @IntRange(min = 1, max = 5) int b) {
        ResultTable table = table(a, b, 2);
        assertThat(table.cells()).isEqualTo(a * b);
        for (int cell = 0; cell < table.cells(); cell++) {
            assertThat(table.cell(table.index(cell))).isEqualTo(cell);
            assertThat(table.labels(cell)).containsExactly(String.valueOf(cell / b), String.valueOf(cell % b));
        }
    }

    @Test
    void refusesWhatIsNoTable() {
        assertThatThrownBy(() -> ResultTable.of("t", "q", "u", List.of(), List.of("a"), new double[1]))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the table 't' needs an axis and a sample");
        assertThatThrownBy(() -> ResultTable.of(
                        "t", "q", "u", List.of(Axis.heads(2), Axis.heads(2)), List.of("a"), new double[4]))
                .hasMessage("the table 't' has two axes of one name");
        assertThatThrownBy(() -> ResultTable.of(
                        "t", "q", "u", List.of(Axis.layers(2), Axis.heads(3)), List.of("a"), new double[4]))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining("2 layer x 3 head x 1 samples")
                .hasMessageContaining("4 values");
        assertThatThrownBy(() -> new Axis("head", List.of())).hasMessage("the axis head has no steps");
    }

    @Test
    void printsAsTheCommandDoes() {
        double[] values = {0.5, -2, 1.25, 0, 3, 0.125};
        ResultTable table = ResultTable.of(
                "Effects", "logit difference", "logits", List.of(Axis.layers(2), Axis.heads(3)), List.of("a"), values);
        assertThat(table).hasToString("""
            Effects  logit difference (logits)
            layer     0     1     2
            0      0.50 -2.00  1.25
            1         0  3.00  0.13\
            """);
        assertThat(table.top(2)).hasToString("[layer 1, head 1: 3.00, layer 0, head 1: -2.00]");
        assertThat(table.top(9)).hasSize(6);
        assertThat(table.neutralAt(3).top(1))
                .extracting(ResultTable.RankedCell::number)
                .containsExactly(1);
        assertThat(table.tensor().get(1, -2)).isEqualTo(3);
        assertThat(table.tensor().axes()).containsExactly("layer", "head");
        assertThatThrownBy(() -> table.top(0)).isInstanceOf(BadInputException.class);
    }

    @Test
    void valuesAreCopies() {
        double[] values = {1, 2};
        ResultTable table = ResultTable.of("t", "q", "u", List.of(Axis.heads(2)), List.of("a"), values);
        values[0] = 9;
        table.values(1)[0] = 9;
        assertThat(table.means()).containsExactly(1, 2);
    }

    @Test
    void csvQuotesWhatNeedsIt() {
        ResultTable table = ResultTable.of(
                "t",
                "q",
                "u",
                List.of(new Axis(Axis.POSITION, List.of("0 \",\"", "1\nx"))),
                List.of("a,b"),
                new double[] {0.1, -3});
        assertThat(TableText.csv(table))
                .isEqualTo("position,mean,standard_error," + FIGURES
                        + "\"a,b\",test\n"
                        + "\"0 \"\",\"\"\",0.1,,1,1,false,,,,,,,,0.1,\n"
                        + "\"1\n"
                        + "x\",-3.0,,1,1,false,,,,,,,,-3.0,\n");
    }

    @Test
    void jsonHasEverything() {
        ResultTable table = table(2, 3, 2).neutralAt(1.5);
        JsonNode json = JsonMapper.shared().readTree(TableText.json(table));
        assertThat(json.get("title").asString()).isEqualTo(table.title());
        assertThat(json.get("unit").asString()).isEqualTo("logits");
        assertThat(json.get("neutral").asDouble()).isEqualTo(1.5);
        assertThat(json.at("/axes/1/name").asString()).isEqualTo("position");
        assertThat(json.at("/axes/1/labels")).hasSize(3);
        assertThat(json.at("/samples/1").asString()).isEqualTo("pair, 1");
        for (int cell = 0; cell < table.cells(); cell++) {
            assertThat(json.get("mean").get(cell).asDouble()).isEqualTo(table.mean(cell));
            assertThat(json.get("standard_error").get(cell).asDouble()).isEqualTo(table.standardError(cell));
            assertThat(json.get("values").get(cell).get(1).asDouble()).isEqualTo(table.values(cell)[1]);
        }
    }

    @Test
    void indicesOutOfRangeAreSaid() {
        ResultTable table = table(2, 3, 2);
        assertThatThrownBy(() -> table.cell(0, 3))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the axis position has no step 3: steps run from 0 to 2");
        assertThatThrownBy(() -> table.meanAt(-1, 0))
                .hasMessage("the axis layer has no step -1: steps run from 0 to 1");
        assertThatThrownBy(() -> table.meanAt(0)).hasMessageContaining("has 2 axes, found [0]");
        for (int cell : new int[] {-1, 6, Integer.MAX_VALUE}) {
            String none = " no cell " + cell + ": cells run from 0 to 5";
            assertThatThrownBy(() -> table.values(cell))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageEndingWith(none);
            assertThatThrownBy(() -> table.mean(cell)).isInstanceOf(BadInputException.class);
            assertThatThrownBy(() -> table.standardError(cell)).isInstanceOf(BadInputException.class);
            assertThatThrownBy(() -> table.labels(cell))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageEndingWith(none);
            assertThatThrownBy(() -> table.index(cell)).isInstanceOf(BadInputException.class);
        }
    }

    /** Two cells of eight samples in four units, against each sample's own value. */
    private static ResultTable ofUnits() {
        double[] values = {4, 5, 6, 7, 4, 5, 6, 7, 1, 2, 1, 2, 1.5, 1.75, 1, 2};
        return ResultTable.of(
                        "t", "q", "u", List.of(Axis.heads(2)), List.of("a", "b", "c", "d", "e", "f", "g", "h"), values)
                .neutralAt(1.5)
                .comparedWith("its run without the edit", new double[] {1, 2, 1, 2, 1, 2, 1, 2})
                .ofUnits(Units.of(List.of("p", "p", "q", "q", "r", "r", "s", "s")));
    }

    @Test
    void statisticsCountUnitsAndCompareEachSampleWithItsOwnValue() {
        TableStatistics statistics = ofUnits().statistics();
        assertThat(statistics.unitsKnown()).isTrue();
        assertThat(statistics.units()).isEqualTo(4);
        assertThat(statistics.prompts()).isEqualTo(8);
        Effect first = statistics.effect(0).orElseThrow();
        assertThat(first.estimate()).isEqualTo(4);
        assertThat(first.p()).isEqualTo(2.0 / 16);
        assertThat(first.adjustedP()).isEqualTo(4.0 / 16);
        assertThat(first.interval().low()).isPositive().isLessThan(4);
        assertThat(statistics.standsOut(0)).isFalse();
        assertThat(statistics.tested()).isEqualTo(2);
    }

    /** Two prompts a unit that say the same are one, not two. */
    @Test
    void standardErrorsAreOfUnits() {
        double[] twice = {1, 1, 2, 2, 4, 4, 9, 9};
        ResultTable table = ResultTable.of(
                "t", "q", "u", List.of(Axis.heads(1)), List.of("a", "b", "c", "d", "e", "f", "g", "h"), twice);
        ResultTable once = ResultTable.of(
                "t", "q", "u", List.of(Axis.heads(1)), List.of("a", "b", "c", "d"), new double[] {1, 2, 4, 9});
        Units units = Units.of(List.of("p", "p", "q", "q", "r", "r", "s", "s"));
        assertThat(table.ofUnits(units).standardError(0)).isCloseTo(once.standardError(0), within(1e-15));
        assertThat(table.standardError(0)).isLessThan(0.8 * once.standardError(0));
        assertThat(once.ofUnits(Units.each(4)).standardError(0)).isCloseTo(once.standardError(0), within(1e-15));
        assertThat(once.ofUnits(Units.of(List.of("p", "p", "p", "p"))).standardError(0))
                .isNaN();
        assertThat(once.map("q", "u", (sample, value) -> 3)
                        .ofUnits(Units.each(4))
                        .standardError(0))
                .isZero();
        assertThat(once.map("q", "u", (sample, value) -> sample == 1 ? Double.NaN : value)
                        .ofUnits(Units.each(4))
                        .standardError(0))
                .isNaN();
    }

    /** Each cell's samples against values of that cell's own. */
    @Test
    void cellsHaveReferencesOfTheirOwn() {
        ResultTable table = ResultTable.of(
                        "t", "q", "u", List.of(Axis.heads(2)), List.of("a", "b"), new double[] {1, 2, 3, 5})
                .comparedWith("uniform attention", new double[] {1, 1, 2, 3});
        assertThat(table.comparedWith()).contains("uniform attention");
        assertThat(table.reference(1, 1)).isEqualTo(3);
        assertThat(table.statistics().effect(0).orElseThrow().estimate()).isEqualTo(0.5);
        assertThat(table.statistics().effect(1).orElseThrow().estimate()).isEqualTo(1.5);
        assertThatThrownBy(() -> table.reference(2, 0)).hasMessageContaining("has no cell 2");
    }

    @Test
    void unknownUnitsAreSaidToBeUnknown() {
        ResultTable table =
                ResultTable.of("t", "q", "u", List.of(Axis.heads(1)), List.of("a", "b", "c"), new double[] {1, 2, 3});
        assertThat(table.units()).isEmpty();
        assertThat(table.statistics().unitsKnown()).isFalse();
        assertThat(table.statistics().units()).isEqualTo(3);
        assertThat(TableText.json(table)).contains("\"units_known\":false");
        assertThat(TableText.json(ofUnits()))
                .contains("\"statistics\":{\"n\":8,\"units\":4,\"units_known\":true")
                .contains("\"adjusted_p\":[0.25,");
        assertThat(TableText.csv(ofUnits()).lines().skip(1))
                .isNotEmpty()
                .allMatch(row -> row.endsWith(",two-sided sign flip of units"));
        assertThat(TableText.csv(table)).endsWith(",two-sided sign flip of samples\n");
    }

    @Test
    void unitsOfOtherSamplesAreRefused() {
        assertThatThrownBy(() -> ofUnits().ofUnits(Units.each(3)))
                .hasMessageContaining("units of the table 't'")
                .hasMessageContaining("8 samples");
        assertThatThrownBy(() -> ofUnits().comparedWith("other", new double[1]))
                .hasMessageContaining("8, one for each sample, or 16, one for each of every cell");
    }
}
