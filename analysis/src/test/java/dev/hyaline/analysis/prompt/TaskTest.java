package dev.hyaline.analysis.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class TaskTest {
    private static PromptEncoder gpt2() {
        Tokenizer tokenizer = Tokenizer.gpt2();
        return new PromptEncoder(tokenizer::encode, List.of(50256), tokenizer.vocabularySize());
    }

    private static String text(Tokenizer tokenizer, int[] tokens) {
        return tokenizer.decode(Arrays.copyOfRange(tokens, 1, tokens.length));
    }

    @ParameterizedTest
    @EnumSource
    void drawsAreOfOneLengthAndComeAgainWithTheirSeed(Task task) {
        for (PromptEncoder encoder : List.of(Fable.encoder(), gpt2())) {
            List<PromptPair> pairs = task.draw(encoder, 30, 5);
            assertThat(pairs).hasSize(30);
            PromptPairs of = PromptPairs.of(checkpointConfig(encoder), pairs);
            of.commonLength();
            assertThat(of.units().orElseThrow().prompts()).isEqualTo(30);
            assertThat(of.units().orElseThrow().count()).isBetween(3, 30);
            assertThat(of.strata()).isPresent();
            assertThat(task.draw(encoder, 30, 5)).usingRecursiveComparison().isEqualTo(pairs);
            assertThat(task.draw(encoder, 30, 6)).usingRecursiveComparison().isNotEqualTo(pairs);
            for (PromptPair pair : pairs) {
                assertThat(pair.firstDifference()).isBetween(1, pair.end());
                assertThat(Arrays.stream(pair.distractors()).boxed())
                        .isNotEmpty()
                        .doesNotContainAnyElementsOf(
                                Arrays.stream(pair.answers()).boxed().toList());
            }
        }
    }

    private static Gpt2Config checkpointConfig(PromptEncoder encoder) {
        Gpt2Config small = Gpt2Config.gpt2Small();
        return new Gpt2Config(1, 1, 1, 1, 128, encoder.vocabularySize(), small.eps(), small.actFn(), true, false, true);
    }

    /** fable does every task on the prompts drawn for it, and not on the corrupted ones. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "INDUCTION")
    void fableDoesTheTask(Task task) {
        try (Gpt2 model = Fable.open()) {
            int right = 0;
            int fooled = 0;
            for (PromptPair pair : task.draw(Fable.encoder(), 25, 1)) {
                right += isRight(model, pair.clean(), pair) ? 1 : 0;
                fooled += isRight(model, pair.corrupted(), pair) ? 1 : 0;
            }
            assertThat(right).isGreaterThanOrEqualTo(21);
            // Later years after 01 include the right ones: only there does the corrupted prompt leave some of the task.
            assertThat(fooled).isLessThanOrEqualTo(task == Task.GREATER_THAN ? 25 : 2);
        }
    }

    private static boolean isRight(Gpt2 model, int[] prompt, PromptPair pair) {
        float[] logits = model.forward(ForwardRequest.of(prompt).logits(LogitSelection.last()))
                .logits();
        int best = IntStream.range(0, logits.length)
                .reduce((a, b) -> logits[b] > logits[a] ? b : a)
                .orElseThrow();
        return Arrays.stream(pair.answers()).anyMatch(answer -> answer == best);
    }

    @Test
    void ioiOrdersTheNamesAsItSays() {
        Tokenizer tokenizer = Tokenizer.gpt2();
        for (PromptPair pair : Task.IOI_ABBA.draw(gpt2(), 5, 3)) {
            String io = tokenizer.token(pair.answers()[0]);
            String subject = tokenizer.token(pair.distractors()[0]);
            assertThat(text(tokenizer, pair.clean()))
                    .startsWith("When" + io + " and" + subject + " went to the")
                    .matches(".*," + subject + " \\w+ a \\w+ to");
            assertThat(text(tokenizer, pair.corrupted())).contains("," + io + " ");
            assertThat(pair.clean()[pair.position("IO")]).isEqualTo(pair.answers()[0]);
            assertThat(pair.clean()[pair.position("S1")]).isEqualTo(pair.distractors()[0]);
            assertThat(pair.clean()[pair.position("S2")]).isEqualTo(pair.distractors()[0]);
            assertThat(pair.firstDifference()).isEqualTo(pair.position("S2"));
            assertThat(pair.position("end")).isEqualTo(14);
        }
        for (PromptPair pair : Task.IOI_BABA.draw(gpt2(), 5, 3)) {
            assertThat(pair.position("S1")).isEqualTo(2);
            assertThat(pair.position("IO")).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"IOI_ABBA_ABC", "IOI_BABA_ABC"})
    void abcReplacesTheNamesByThreeThatHaveNothingToDoWithThem(Task task) {
        Task flip = task == Task.IOI_ABBA_ABC ? Task.IOI_ABBA : Task.IOI_BABA;
        List<PromptPair> flipped = flip.draw(gpt2(), 40, 3);
        List<PromptPair> pairs = task.draw(gpt2(), 40, 3);
        for (int i = 0; i < pairs.size(); i++) {
            PromptPair pair = pairs.get(i);
            assertThat(pair.clean()).isEqualTo(flipped.get(i).clean());
            assertThat(pair.answers()).isEqualTo(flipped.get(i).answers());
            assertThat(pair.roles()).isEqualTo(flipped.get(i).roles());
            List<Integer> places = List.of(pair.position("IO"), pair.position("S1"), pair.position("S2"));
            List<Integer> names = places.stream().map(p -> pair.corrupted()[p]).toList();
            assertThat(names).doesNotHaveDuplicates().doesNotContain(pair.answers()[0], pair.distractors()[0]);
            for (int p = 0; p < pair.length(); p++) {
                assertThat(pair.corrupted()[p] == pair.clean()[p]).isEqualTo(!places.contains(p));
            }
        }
        assertThat(pairs.stream()
                        .map(pair -> pair.corrupted()[pair.position("S2")])
                        .distinct())
                .hasSizeGreaterThan(10);
        assertThat(task).hasToString(task == Task.IOI_ABBA_ABC ? "ioi-abba-abc" : "ioi-baba-abc");
    }

    @Test
    void inductionDiffersInOneToken() {
        for (PromptPair pair : Task.INDUCTION.draw(gpt2(), 5, 3)) {
            int b1 = pair.position("B1");
            assertThat(pair.firstDifference()).isEqualTo(b1);
            assertThat(Arrays.mismatch(pair.clean(), b1 + 1, pair.length(), pair.corrupted(), b1 + 1, pair.length()))
                    .isNegative();
            assertThat(pair.clean()[pair.position("A1")]).isEqualTo(pair.clean()[pair.end()]);
            assertThat(pair.clean()[b1]).isEqualTo(pair.answers()[0]);
            assertThat(pair.corrupted()[b1]).isEqualTo(pair.distractors()[0]);
        }
    }

    @Test
    void laterYearsAreTheAnswers() {
        Tokenizer tokenizer = Tokenizer.gpt2();
        for (PromptPair pair : Task.GREATER_THAN.draw(gpt2(), 10, 3)) {
            int year = Integer.parseInt(tokenizer.token(pair.clean()[pair.position("YY")]));
            assertThat(tokenizer.token(pair.corrupted()[pair.position("YY")])).isEqualTo("01");
            assertThat(Arrays.stream(pair.answers()).boxed())
                    .isNotEmpty()
                    .allMatch(t -> Integer.parseInt(tokenizer.token(t)) > year);
            assertThat(Arrays.stream(pair.distractors()).boxed())
                    .isNotEmpty()
                    .allMatch(t -> Integer.parseInt(tokenizer.token(t)) <= year);
            assertThat(pair.answers().length + pair.distractors().length).isGreaterThan(40);
        }
    }

    @Test
    void refusesNoPairsAndVocabulariesWithoutTheWords() {
        assertThatThrownBy(() -> Task.CAPITALS.draw(gpt2(), 0, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the number of pairs must be from 1 to 100000, found 0");
        PromptEncoder bytes = new PromptEncoder(text -> text.chars().toArray(), List.of(), 20);
        assertThatThrownBy(() -> Task.IOI_ABBA.draw(bytes, 1, 1))
                .hasMessage("this vocabulary has too few of the task's words as single tokens");
        assertThatThrownBy(() -> Task.INDUCTION.draw(bytes, 1, 1))
                .hasMessageContaining("there are 20 tokens to draw 21 different ones from");
    }

    @Test
    void pairsOfOneNameAreOneUnit() {
        List<PromptPair> pairs = Task.IOI_ABBA.draw(gpt2(), 40, 2);
        for (PromptPair one : pairs) {
            for (PromptPair other : pairs) {
                assertThat(Objects.equals(one.unit(), other.unit())).isEqualTo(one.answers()[0] == other.answers()[0]);
            }
            assertThat(one.stratum()).isEqualTo("ABBA");
            assertThat(one.swapped().unit()).isEqualTo(one.unit());
        }
        List<PromptPair> unrelated = Task.IOI_ABBA_ABC.draw(gpt2(), 40, 2);
        assertThat(unrelated)
                .extracting(PromptPair::unit)
                .isEqualTo(pairs.stream().map(PromptPair::unit).toList());
    }
}
