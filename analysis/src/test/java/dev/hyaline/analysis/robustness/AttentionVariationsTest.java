package dev.hyaline.analysis.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.attention.AttentionStatistics;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.RandomTokens;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables of attention patterns that were written, repeated on prompts of other kinds. */
final class AttentionVariationsTest {
    private static Gpt2 model;
    private static Prompts twice;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void open() {
        model = Fable.open();
        PromptEncoder encoder = Fable.encoder();
        SplittableRandom random = new SplittableRandom(1);
        List<int[]> sequences = new ArrayList<>();
        for (int draw = 0; draw < 8; draw++) {
            sequences.add(RandomTokens.ofWords(encoder).repeated(6, encoder, random));
        }
        twice = Prompts.of(model.config(), sequences.toArray(int[][]::new));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private WrittenFinding written(ResultTable table) throws IOException {
        Path file = temporary.resolve("table.json");
        Files.writeString(file, TableText.json(table));
        return WrittenFinding.read(file);
    }

    private static Map<String, Variation> run(AttentionVariations variations) {
        return variations.run().stream().collect(Collectors.toMap(Variation::name, Function.identity()));
    }

    @Test
    void everyVariationOfSequencesGivenTwice() throws IOException {
        WrittenFinding written = written(HeadScores.measure(model, twice));
        assertThat(written.isOfAttention()).isTrue();
        Prompts other = Prompts.of(model.config(), new int[] {1, 2, 3, 2}, new int[] {5, 6, 7, 8});
        AttentionVariations variations = AttentionVariations.of(written, model, 1)
                .prompts("one of two repeats", other)
                .prompts("none repeats", Prompts.of(model.config(), new int[] {5, 6, 7, 8}))
                .checkpoint("the same", model);
        Map<String, Variation> done = run(variations);
        assertThat(done.keySet())
                .containsExactlyInAnyOrder(
                        "half of the prompts",
                        "the other prompts",
                        "one of two repeats",
                        "none repeats",
                        "other draws of the same tokens",
                        "3 tokens, twice",
                        "12 tokens, twice",
                        "without the first token",
                        "bfloat16 weights",
                        "the same");
        Variation found = variations.finding();
        assertThat(found.finding().components())
                .contains("type induction, layer 2, head 4")
                .hasSize(6 * 32);
        assertThat(done.get("the same").finding().effects())
                .isDeepEqualTo(found.finding().effects());
        assertThat(done.get("the same").units()).isEqualTo(found.units());
        assertThat(done.get("the other prompts").units())
                .containsExactly("prompt 1", "prompt 3", "prompt 5", "prompt 7");
        assertThat(done.get("the other prompts").finding().effects()[40][1])
                .isEqualTo(found.finding().effects()[40][3]);
        // A prompt without a key of a kind is left out; without any prompt a variation is out of scope.
        assertThat(done.get("one of two repeats").gaps()).containsExactly(1);
        assertThat(done.get("none repeats").gaps()).containsExactly(0);
        Robustness robustness = Robustness.of(found, variations.run(), 0.1, 50, CounterRandom.of(1));
        assertThat(robustness.families().keySet())
                .contains("prompts", "kind", "seed", "length", "beginning", "precision", "checkpoint");
        assertThat(robustness.families().get("seed")).isGreaterThan(0.7);
        assertThat(robustness.families().get("checkpoint")).isEqualTo(1);
    }

    @Test
    void everyStatisticIsRepeated() throws IOException {
        Prompts prompts =
                Prompts.of(model.config(), new int[] {1, 2, 3}, new int[] {5, 6, 7, 8}, new int[] {9, 4, 4, 8, 1});
        for (ResultTable table :
                AttentionStatistics.measure(model, prompts, 0.25).tables()) {
            WrittenFinding written = written(table);
            Map<String, Variation> done = run(AttentionVariations.of(written, model, 1)
                    .prompts("short", Prompts.of(model.config(), new int[] {7, 8})));
            assertThat(done.keySet()).as(table.title()).containsExactlyInAnyOrder("short", "bfloat16 weights");
            boolean distances = table.axes().size() == 3;
            // Distances that not every prompt has are no components.
            Variation shorter = done.get("short");
            assertThat(shorter.finding().components()).hasSize(distances ? 3 * 32 : 32);
            assertThat(shorter.gaps()).containsExactly(1);
            if (distances) {
                int far = shorter.finding().components().indexOf("layer 0, head 0, distance 2");
                assertThat(shorter.finding().effects()[far]).containsExactly(0);
            }
        }
    }

    @Test
    void whatCannotBeRepeatedIsRefused() throws IOException {
        WrittenFinding of = written(HeadScores.measure(model, twice));
        WrittenFinding without =
                new WrittenFinding("old.json", of.title(), of.quantity(), of.axes(), List.of(), of.effects());
        assertThatThrownBy(() -> AttentionVariations.of(without, model, 1))
                .hasMessageContaining("old.json does not tell the tokens of its prompts");
        WrittenFinding other = written(HeadScores.measure(
                model, twice, Map.of("backwards", (tokens, query, key) -> key > 0 && key == query - 1)));
        assertThatThrownBy(() -> AttentionVariations.of(other, model, 1))
                .hasMessageContaining("expected the types of [previous-token,")
                .hasMessageContaining("found backwards");
        List<int[]> changed = new ArrayList<>(of.tokens());
        changed.set(0, new int[] {1, 2, 1, 2});
        WrittenFinding wrong =
                new WrittenFinding("wrong.json", of.title(), of.quantity(), of.axes(), changed, of.effects());
        assertThatThrownBy(() -> AttentionVariations.of(wrong, model, 1))
                .hasMessageContaining("wrong.json is not what " + of.title() + " finds")
                .hasMessageContaining("effects differ, most that of");
    }
}
