package dev.hyaline.analysis.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.RandomTokens;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Against patterns small enough to add up by hand. */
final class HeadScoresTest {
    /** Tokens a b a b: the third sees one earlier a, the fourth one earlier b. */
    private static final int[] TOKENS = {7, 8, 7, 8};

    private static final float[] PATTERN = {
        1, 0, 0, 0, //
        0.5f, 0.5f, 0, 0, //
        0.125f, 0.75f, 0.125f, 0, //
        0.25f, 0, 0.5f, 0.25f,
    };

    private static double score(AttentionTarget target) {
        return HeadScores.LookedAt.of(target, TOKENS).score(PATTERN, 0);
    }

    @Test
    void scoresByHand() {
        assertThat(score(HeadType.PREVIOUS_TOKEN)).isEqualTo((0.5 + 0.75 + 0.5) / 3);
        assertThat(score(HeadType.CURRENT_TOKEN)).isEqualTo((0.5 + 0.125 + 0.25) / 3);
        assertThat(score(HeadType.FIRST_TOKEN)).isEqualTo((0.5 + 0.125 + 0.25) / 3);
        assertThat(score(HeadType.DUPLICATE_TOKEN)).isEqualTo((0.125 + 0) / 2);
        // From the third, a at 0 was followed by position 1; from the fourth, b at 1 by position 2.
        assertThat(score(HeadType.INDUCTION)).isEqualTo((0.75 + 0.5) / 2);
        // Only the fourth has a key, position 1, two back that is not the first.
        assertThat(score(HeadType.LOCAL)).isZero();
        assertThat(score((tokens, query, key) -> query == 3)).isEqualTo(1);
        assertThat(score((tokens, query, key) -> false)).isNaN();
    }

    /** What a head that looks at all keys alike would score, query by query. */
    @Test
    void uniformAttentionByHand() {
        assertThat(HeadScores.LookedAt.of(HeadType.PREVIOUS_TOKEN, TOKENS).uniform())
                .isCloseTo((1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 3, within(1e-15));
        assertThat(HeadScores.LookedAt.of(HeadType.INDUCTION, TOKENS).uniform())
                .isCloseTo((1 / 3.0 + 1 / 4.0) / 2, within(1e-15));
        assertThat(HeadScores.LookedAt.of((tokens, query, key) -> query == 3, TOKENS)
                        .uniform())
                .isEqualTo(1);
        assertThat(HeadScores.LookedAt.of((tokens, query, key) -> false, TOKENS).uniform())
                .isNaN();
    }

    @Test
    void inductionCountsEveryEarlierOccurrenceButNotItself() {
        int[] tokens = {5, 5, 5};
        assertThat(HeadType.INDUCTION.looks(tokens, 1, 1)).isFalse();
        assertThat(HeadType.INDUCTION.looks(tokens, 2, 1)).isTrue();
        assertThat(HeadType.INDUCTION.looks(tokens, 2, 2)).isFalse();
    }

    @Test
    void statisticsByHand() {
        double row1 = Math.log(2);
        double row2 = -0.25 * Math.log(0.125) - 0.75 * Math.log(0.75);
        double row3 = -0.5 * Math.log(0.25) - 0.5 * Math.log(0.5);
        assertThat(AttentionStatistics.Entropy.of(PATTERN, 0, 4).mean())
                .isCloseTo((row1 + row2 + row3) / 3, within(1e-12));
        assertThat(AttentionStatistics.Entropy.of(PATTERN, 0, 4).meanShare())
                .isCloseTo((row1 / Math.log(2) + row2 / Math.log(3) + row3 / Math.log(4)) / 3, within(1e-12));
        // Half of the attention: at the query itself, one back, one back.
        assertThat(AttentionStatistics.halfDistance(PATTERN, 0, 4)).isEqualTo((0 + 1 + 1) / 3.0);
        assertThat(AttentionStatistics.largestWeight(PATTERN, 0, 4)).isEqualTo((0.5 + 0.75 + 0.5) / 3);
        assertThat(AttentionStatistics.shareAbove(PATTERN, 0, 4, 0.25))
                .isCloseTo((2 / 2.0 + 1 / 3.0 + 1 / 4.0) / 3, within(1e-12));
        assertThat(AttentionStatistics.distances(PATTERN, 0, 4))
                .containsExactly(
                        new double[] {(0.5 + 0.125 + 0.25) / 3, (0.5 + 0.75 + 0.5) / 3, (0.125 + 0) / 2, 0.25},
                        within(1e-12));
    }

    @Test
    void theBestTypeAndItsLead() {
        ResultTable scores = ResultTable.of(
                "s",
                "q",
                "u",
                List.of(new Axis("type", List.of("x", "y", "z")), Axis.layers(1), Axis.heads(3)),
                List.of("a", "b"),
                new double[] {
                    0.2, 0.4, 0.1, 0.1, Double.NaN, Double.NaN, // x of heads 0, 1, 2
                    0.9, 0.7, 0.2, 0.2, Double.NaN, Double.NaN, // y
                    0.1, 0.1, 0.3, 0.1, Double.NaN, Double.NaN, // z
                });
        List<HeadClass> classes = HeadClass.classify(scores, 0.4);
        assertThat(classes.get(0).type()).isEqualTo("y");
        assertThat(classes.get(0).score()).isCloseTo(0.8, within(1e-12));
        assertThat(classes.get(0).margin()).isCloseTo(0.5, within(1e-12));
        assertThat(classes.get(0).standardError()).isCloseTo(0.1, within(1e-12));
        assertThat(classes.get(1).type()).isNull();
        assertThat(classes.get(1).margin()).isCloseTo(0, within(1e-12));
        assertThat(classes.get(2)).isEqualTo(new HeadClass(0, 2, null, 0, Double.NaN, 0));
        assertThatThrownBy(() -> HeadClass.classify(scores, 1.5)).hasMessageContaining("from 0 to 1, found 1.5");
    }

    /** What the built-in model's card says about its heads. */
    @Test
    void fablesHeads() {
        try (Gpt2 model = Fable.open()) {
            PromptEncoder encoder = Fable.encoder();
            SplittableRandom random = new SplittableRandom(4);
            RandomTokens words = RandomTokens.ofWords(encoder);
            int[][] draws = IntStream.range(0, 5)
                    .mapToObj(draw -> words.repeated(20, encoder, random))
                    .toArray(int[][]::new);
            ResultTable scores = HeadScores.measure(model, Prompts.of(model.config(), draws));
            Map<String, List<String>> byType = HeadClass.classify(scores, 0.6).stream()
                    .filter(head -> head.type() != null)
                    .collect(java.util.stream.Collectors.groupingBy(
                            HeadClass::type,
                            java.util.stream.Collectors.mapping(
                                    head -> head.layer() + "." + head.head(), java.util.stream.Collectors.toList())));
            assertThat(byType.get("induction")).contains("2.2", "2.3", "2.4", "2.6");
            assertThat(byType.get("duplicate-token")).contains("2.1");
            assertThat(byType.get("previous-token")).contains("1.7");
            int induction = scores.cell(1, 2, 2);
            assertThat(scores.standardError(induction)).isBetween(0.0, 0.05);
            assertThat(scores.comparedWith()).contains("uniform attention");
            // The queries 20 to 39 of 20 tokens given twice after the first token have one key each.
            double uniform = IntStream.range(21, 41)
                            .mapToDouble(query -> 1 / (query + 1.0))
                            .sum()
                    / 20;
            assertThat(scores.statistics().effect(induction).orElseThrow().estimate())
                    .isCloseTo(scores.mean(induction) - uniform, within(1e-9));
        }
    }

    @Test
    void onePassMeasuresWhatSeveralDo() {
        try (Gpt2 model = Fable.open()) {
            Prompts prompts = Prompts.of(model.config(), new int[] {5, 9, 5, 9, 5}, new int[] {7, 8, 7});
            AttentionMeasurement together = AttentionMeasurement.measure(model, prompts, 0.1);
            assertThat(values(together.scores())).isEqualTo(values(HeadScores.measure(model, prompts)));
            AttentionStatistics alone = AttentionStatistics.measure(model, prompts, 0.1);
            for (int table = 0; table < alone.tables().size(); table++) {
                assertThat(values(together.statistics().tables().get(table)))
                        .isEqualTo(values(alone.tables().get(table)));
            }
        }
    }

    private static List<String> values(ResultTable table) {
        return IntStream.range(0, table.cells())
                .mapToObj(cell -> Arrays.toString(table.values(cell)))
                .toList();
    }

    @Test
    void shortPromptsAndOddThresholdsAreRefused() {
        try (Gpt2 model = Fable.open()) {
            Prompts one = Prompts.of(model.config(), new int[] {1});
            assertThatThrownBy(() -> AttentionStatistics.measure(model, one, 0.1))
                    .hasMessage("prompt 0 has one token, from which no head has a choice");
            Prompts two = Prompts.of(model.config(), new int[] {1, 2});
            assertThatThrownBy(() -> AttentionStatistics.measure(model, two, 1)).hasMessageContaining("found 1.0");
            AttentionStatistics statistics = AttentionStatistics.measure(model, two, 0.1);
            for (int cell = 0; cell < 32; cell++) {
                assertThat(statistics.distances().mean(2 * cell)
                                + statistics.distances().mean(2 * cell + 1))
                        .isCloseTo(1, within(1e-6));
            }
            assertThat(HeadScores.measure(model, two).meanAt(1, 0, 0)).isNaN();
            assertThatThrownBy(() -> HeadScores.measure(model, two, Map.of()))
                    .hasMessage("there is no kind of head to score");
        }
    }
}
