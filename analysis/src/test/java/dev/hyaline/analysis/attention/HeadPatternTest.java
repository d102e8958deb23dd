package dev.hyaline.analysis.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each pattern planted in the attention of a head is found, and one that misses a bound by little is not. */
final class HeadPatternTest {
    private static final Gpt2Config ONE_HEAD =
            new Gpt2Config(1, 1, 8, 8, 64, 100, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    private static final int COMMA = 99;
    private static final int REPEATED = 12;

    /** Random tokens given twice. */
    private static final Prompts RANDOM = Prompts.of(
            ONE_HEAD,
            IntStream.range(0, 4)
                    .mapToObj(draw -> {
                        int[] order = CounterRandom.of(3).with(draw).permutation(90);
                        return IntStream.range(0, 2 * REPEATED)
                                .map(i -> order[i % REPEATED])
                                .toArray();
                    })
                    .toArray(int[][]::new));

    private static final Prompts ONCE = Prompts.of(
            ONE_HEAD,
            IntStream.range(0, 6)
                    .mapToObj(
                            draw -> Arrays.copyOf(CounterRandom.of(4).with(draw).permutation(90), 20))
                    .toArray(int[][]::new));

    /** With one repeated token, at 2 and 9, and commas. */
    private static final Prompts NATURAL =
            Prompts.of(ONE_HEAD, new int[] {1, 2, 7, 3, 4, 5, COMMA, 6, 8, 7, 9, 10, 11, COMMA, 12}, new int[] {
                21, 22, 27, 23, 24, 25, COMMA, 26, 28, 27, 29, 30, COMMA, 31, 32
            });

    private static final List<Map<String, Integer>> ROLES =
            List.of(Map.of("S", 3, "end", 14), Map.of("S", 5, "end", 14));

    /** Keys to look at with a weight, the rest spread alike over the others; a query without such keys is uniform. */
    private static PatternEvidence evidence(Prompts prompts, double weight, PatternEvidence.PromptTarget target) {
        return evidence(prompts, (prompt, tokens, query, key) -> {
            int looked = 0;
            for (int k = 0; k <= query; k++) {
                looked += target.looks(prompt, tokens, query, k) ? 1 : 0;
            }
            if (looked == 0 || looked == query + 1) {
                return 1.0 / (query + 1);
            }
            return target.looks(prompt, tokens, query, key) ? weight / looked : (1 - weight) / (query + 1 - looked);
        });
    }

    private interface Pattern {
        double weight(int prompt, int[] tokens, int query, int key);
    }

    private static PatternEvidence evidence(Prompts prompts, Pattern pattern) {
        List<Map<String, Integer>> roles = prompts == NATURAL ? ROLES : List.of();
        return PatternEvidence.measure(ONE_HEAD, prompts, token -> token == COMMA, roles, reader -> {
            for (int prompt = 0; prompt < prompts.size(); prompt++) {
                int n = prompts.length(prompt);
                float[] maps = new float[n * n];
                for (int query = 0; query < n; query++) {
                    for (int key = 0; key <= query; key++) {
                        maps[query * n + key] = (float) pattern.weight(prompt, prompts.tokens(prompt), query, key);
                    }
                }
                reader.head(prompt, 0, 0, maps, 0);
            }
        });
    }

    private static HeadPattern classify(PatternEvidence... evidence) {
        return classify(null, List.of(evidence));
    }

    private static HeadPattern classify(@Nullable PatternEvidence once, List<PatternEvidence> evidence) {
        List<HeadPattern> patterns = HeadPattern.classify(evidence, once);
        assertThat(patterns).hasSize(1);
        return patterns.getFirst();
    }

    private static HeadPattern planted(HeadType type, double onRandom, double onNatural) {
        PatternEvidence.PromptTarget target = (prompt, tokens, query, key) -> type.looks(tokens, query, key);
        return classify(evidence(RANDOM, onRandom, target), evidence(NATURAL, onNatural, target));
    }

    /** Weights that are enough on both kinds of prompts, and one that is too little on natural ones. */
    @ParameterizedTest
    @CsvSource({
        "PREVIOUS_TOKEN, 0.8, 0.3",
        "INDUCTION, 0.8, 0.35",
        "DUPLICATE_TOKEN, 0.8, 0.35",
        "FIRST_TOKEN, 0.8, 0.35",
        "CURRENT_TOKEN, 0.8, 0.3",
        "LOCAL, 0.9, 0.45"
    })
    void aPatternByKeys(HeadType type, double enough, double tooLittle) {
        HeadPattern found = planted(type, enough, enough);
        assertThat(found.type()).isEqualTo(type.toString());
        assertThat(found.score()).isBetween(HeadPattern.MIN_SCORE, enough + 1e-6);
        assertThat(found.excess()).isGreaterThanOrEqualTo(HeadPattern.MIN_EXCESS);
        assertThat(found.margin()).isGreaterThanOrEqualTo(HeadPattern.MIN_MARGIN);
        assertThat(planted(type, enough, tooLittle).type()).isEqualTo(HeadPattern.MIXED);
        assertThat(planted(type, tooLittle, enough).type()).isEqualTo(HeadPattern.MIXED);
    }

    /** The excess of a pattern whose keys are many: a score of .5 is little where uniform attention has .3. */
    @Test
    void excessIsOverUniformAttention() {
        PatternEvidence.PromptTarget local = (prompt, tokens, query, key) -> HeadType.LOCAL.looks(tokens, query, key);
        PatternEvidence evidence = evidence(NATURAL, 0.5, local);
        int type = evidence.types().indexOf("local");
        PatternEvidence.Figure figure = evidence.figure(0, type);
        assertThat(figure.score()).isCloseTo(0.5, within(1e-6));
        // Queries 3, 4, 5 have 1, 2, 3 keys, and those from 6 on have 4.
        double share = (1 / 4.0
                        + 2 / 5.0
                        + 3 / 6.0
                        + IntStream.range(6, 15).mapToDouble(q -> 4 / (q + 1.0)).sum())
                / 12;
        assertThat(figure.share()).isCloseTo(share, within(1e-12));
        assertThat(figure.excess()).isCloseTo((0.5 - share) / (1 - share), within(1e-6));
    }

    @Test
    void aSeparator() {
        PatternEvidence.PromptTarget commas = (prompt, tokens, query, key) -> tokens[key] == COMMA;
        PatternEvidence random = evidence(RANDOM, 0.9, commas);
        assertThat(classify(random, evidence(NATURAL, 0.9, commas)).type()).isEqualTo("separator");
        assertThat(classify(random, evidence(NATURAL, 0.35, commas)).type()).isEqualTo(HeadPattern.MIXED);
        assertThat(evidence(RANDOM, 0.9, commas)
                        .figure(0, random.types().indexOf("separator"))
                        .score())
                .isNaN();
    }

    @Test
    void aRole() {
        PatternEvidence.PromptTarget subject = (prompt, tokens, query, key) ->
                query == tokens.length - 1 && key == ROLES.get(prompt % 2).get("S");
        PatternEvidence random = evidence(RANDOM, (prompt, tokens, query, key) -> 1.0 / (query + 1));
        assertThat(classify(random, evidence(NATURAL, 0.8, subject)).type()).isEqualTo("role:S");
        assertThat(classify(random, evidence(NATURAL, 0.35, subject)).type()).isEqualTo(HeadPattern.UNIFORM);
    }

    /** Attention that grows with the key's position: a little, and more. */
    @ParameterizedTest
    @CsvSource({"0.02, uniform", "0.3, positional"})
    void uniformAndPositional(double growth, String expected) {
        Pattern growing = (prompt, tokens, query, key) -> {
            double sum = IntStream.rangeClosed(0, query)
                    .mapToDouble(k -> Math.exp(-growth * k))
                    .sum();
            return Math.exp(-growth * key) / sum;
        };
        assertThat(classify(evidence(ONCE, growing), List.of(evidence(RANDOM, growing), evidence(NATURAL, growing)))
                        .type())
                .isEqualTo(expected);
    }

    /** Half of the attention goes by what token stands there. */
    @Test
    void attentionByTokenIsNotPositional() {
        Pattern byToken = (prompt, tokens, query, key) -> {
            double sum = 0;
            for (int k = 0; k <= query; k++) {
                sum += 1 + 9 * (tokens[k] % 2);
            }
            return (1 + 9 * (tokens[key] % 2)) / sum;
        };
        PatternEvidence once = evidence(ONCE, byToken);
        assertThat(once.positional(0)).isBetween(0.02, 0.8);
        assertThat(classify(once, List.of(evidence(RANDOM, byToken), evidence(NATURAL, byToken)))
                        .type())
                .isEqualTo(HeadPattern.MIXED);
    }

    /** Four prompts with scores .4, .4, .8 and .8: of two units, and each of its own. */
    @Test
    void standardErrorsAreOfUnits() {
        PatternEvidence each = evidence(RANDOM, (prompt, tokens, query, key) -> {
            double first = prompt < 2 ? 0.4 : 0.8;
            return query == 0 ? 1 : key == 0 ? first : (1 - first) / query;
        });
        int type = each.types().indexOf("first-token");
        assertThat(each.figure(0, type).standardError()).isCloseTo(Math.sqrt(0.16 / 3 / 4), within(1e-6));
        PatternEvidence two = each.ofUnits(Units.of(List.of("a", "a", "b", "b")));
        assertThat(two.figure(0, type).standardError()).isCloseTo(0.2, within(1e-6));
        assertThat(each.ofUnits(Units.of(List.of("a", "a", "a", "a")))
                        .figure(0, type)
                        .standardError())
                .isNaN();
        assertThat(HeadPattern.classify(List.of(two), null).getFirst().standardError())
                .isCloseTo(0.2, within(1e-6));
        assertThatThrownBy(() -> each.ofUnits(Units.each(3))).hasMessageContaining("those of 4 prompts");
    }

    @Test
    void badInput() {
        assertThatThrownBy(() -> HeadPattern.classify(List.of(), null))
                .hasMessageContaining("prompts of at least one kind");
        assertThatThrownBy(() -> PatternEvidence.measure(ONE_HEAD, RANDOM, token -> false, ROLES, reader -> {}))
                .hasMessage("roles are of every prompt, 4, found those of 2");
        Prompts single = Prompts.of(ONE_HEAD, new int[] {4});
        assertThatThrownBy(() -> PatternEvidence.measure(ONE_HEAD, single, token -> false, List.of(), reader -> {}))
                .hasMessageContaining("has one token");
    }
}
