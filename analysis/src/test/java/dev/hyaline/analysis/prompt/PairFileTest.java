package dev.hyaline.analysis.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.weights.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PairFileTest {
    private static final PromptEncoder GPT2 = new PromptEncoder(Tokenizer.gpt2()::encode, List.of(50256), 50257);

    private static final Gpt2Config CONFIG = Gpt2Config.gpt2Small();

    private static final String TEMPLATE = """
        {"template": "When {IO} and {S1} went to the store, {S2} gave a drink to",
         "pairs": [{"clean": {"IO": "Mary", "S1": "John", "S2": "John"}, "corrupted": {"S2": "Mary"},
                    "answer": " Mary", "distractor": [" John"], "positions": {"comma": 9}}]}
        """;

    @Test
    void aTemplateGivesPromptsAndRoles() {
        PromptPair pair = PairFile.parse("f", TEMPLATE).encode(GPT2).getFirst();
        assertThat(pair.name()).isEqualTo("When Mary and John went to the store, John gave a drink to");
        assertThat(pair.clean()[0]).isEqualTo(50256);
        assertThat(pair.roles()).containsOnlyKeys("IO", "S1", "S2", "comma");
        assertThat(pair.position("IO")).isEqualTo(2);
        assertThat(pair.position("S1")).isEqualTo(4);
        assertThat(pair.position("S2")).isEqualTo(10);
        assertThat(pair.clean()[10]).isEqualTo(GPT2.token(" John"));
        assertThat(pair.corrupted()[10]).isEqualTo(GPT2.token(" Mary"));
        assertThat(pair.swapped().answers()).containsExactly(GPT2.token(" John"));
    }

    @Test
    void aPairMaySayWhatItSharesWithOthers() {
        String pair = "{\"clean\": [1, 2], \"corrupted\": [1, 3], \"answer\": 4%s}";
        String known = "[" + pair.formatted(", \"unit\": \"Mary\", \"stratum\": \"ABBA\"") + ", "
                + pair.formatted(", \"unit\": \"Mary\"") + "]";
        PromptPairs pairs = PromptPairs.of(CONFIG, PairFile.parse("f", known).encode(GPT2));
        assertThat(pairs.units().orElseThrow().count()).isEqualTo(1);
        assertThat(pairs.get(0).stratum()).isEqualTo("ABBA");
        assertThat(pairs.strata()).isEmpty();
        String half = "[" + pair.formatted(", \"unit\": \"Mary\"") + ", " + pair.formatted("") + "]";
        assertThat(PromptPairs.of(CONFIG, PairFile.parse("f", half).encode(GPT2))
                        .units())
                .isEmpty();
    }

    @Test
    void textsAndIdsAreTakenToo() {
        List<PromptPair> pairs = PairFile.parse("f", """
            [{"clean": "The capital of France is", "corrupted": "The capital of Italy is", "answer": " Paris"},
             {"name": "ids", "clean": [1, 2, 3], "corrupted": [1, 9, 3], "answer": [4, 5], "distractor": 6}]
            """).encode(GPT2);
        assertThat(pairs.get(0).distractors()).isEmpty();
        assertThat(pairs.get(0).firstDifference()).isEqualTo(4);
        assertThat(pairs.get(1).name()).isEqualTo("ids");
        assertThat(pairs.get(1).clean()).containsExactly(1, 2, 3);
        assertThat(pairs.get(1).answers()).containsExactly(4, 5);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{ | expected valid JSON",
                "[{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": 1}] [] | expected nothing after the JSON",
                "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] | expected valid JSON",
                "{} | expected a list of pairs",
                "[] | expected a list of pairs",
                "[3] | expected [0] to be an object, found 3",
                "[{\"clean\": \"a\", \"corupted\": \"b\"}] | there is no property \"corupted\"",
                "[{\"clean\": \"a\", \"clean\": \"b\"}] | expected valid JSON",
                "[{\"corrupted\": \"b\", \"answer\": 1}] | expected a key [0].clean, found none",
                "[{\"clean\": \"a\", \"corrupted\": [1.5], \"answer\": 1}] | expected [0].corrupted[0] to be an"
                        + " integer",
                "[{\"clean\": \"a\", \"corrupted\": \"b\"}] | expected a key [0].answer, found none",
                "[{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": []}] | there is no answer",
                "[{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": \" Antananarivo\"}] | ' Antananarivo' is ",
                "[{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": \"\"}] | '' is 0 tokens where one is needed",
                "[{\"clean\": \"x y\", \"corrupted\": \"x y z\", \"answer\": 1}] | the clean prompt has 3 tokens and"
                        + " the corrupted 4; they differ from position 3 on",
                "[{\"clean\": [1], \"corrupted\": [2], \"answer\": 1, \"positions\": {\"S\": 1}}] | the role S is at"
                        + " position 1, but positions run from 0 to 0",
                "[{\"clean\": [1], \"corrupted\": [2], \"answer\": 1, \"positions\": {\"S\": \"a\"}}] | expected"
                        + " [0].positions.\"S\" to be an integer from 0",
                "[{\"clean\": [1, 2], \"corrupted\": [2, 2], \"answer\": 1, \"positions\": {\"end\": 0}}] | the role"
                        + " end is the last position, 1, found 0",
                "[{\"template\": \"a {x} b\", \"clean\": \"c\", \"corrupted\": {}, \"answer\": 1}] | expected"
                        + " [0].clean to be an object of words by slot",
                "[{\"template\": \"a {x} b\", \"clean\": {}, \"corrupted\": {}, \"answer\": 1}] | needs a word for {x}",
                "[{\"template\": \"a {x} b\", \"clean\": {\"x\": \"y\"}, \"corrupted\": {\"z\": \"y\"}, \"answer\":"
                        + " 1}] | has no slot {z}",
                "[{\"template\": \"a b\", \"clean\": {}, \"corrupted\": {}, \"answer\": 1}] | needs slots with names",
                "[{\"template\": \"{x} {x}\", \"clean\": {}, \"corrupted\": {}, \"answer\": 1}] | two slots of one"
                        + " name",
                "[{\"template\": \"a {x} b\", \"clean\": {\"x\": \"Paris\"}, \"corrupted\": {\"x\": \"Antananarivo\"},"
                        + " \"answer\": 1}] | the slot {x} ends at token 2 with 'Paris' and at token",
                "[{\"template\": \"a {x}e\", \"clean\": {\"x\": \"th\"}, \"corrupted\": {}, \"answer\": 1}] | shares a"
                        + " token with what follows",
            })
    void mistakesAreNamed(String json, String message) {
        assertThatThrownBy(() -> PairFile.parse("pairs.json", json).encode(GPT2))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("pairs.json: ")
                .hasMessageContaining(message);
    }

    @Test
    void aFileIsRead(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("p.json"), TEMPLATE);
        assertThat(PairFile.read(file).encode(GPT2)).hasSize(1);
        assertThatThrownBy(() -> PairFile.read(folder.resolve("none.json")))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("no such file");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aFifoIsRefused(@TempDir Path folder) throws Exception {
        Path fifo = folder.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> PairFile.read(fifo))
                .isInstanceOf(BadInputException.class)
                .hasMessage(fifo + ": expected a file, found something else");
    }

    @Test
    void pairsAreCheckedAgainstAModel() {
        List<PromptPair> pairs = PairFile.parse("f", TEMPLATE).encode(GPT2);
        Gpt2Config gpt2 = Gpt2Config.gpt2Small();
        PromptPairs checked = PromptPairs.of(gpt2, pairs);
        assertThat(checked.roles()).containsExactly("IO", "S1", "S2", "comma", "end");
        assertThatThrownBy(() -> checked.get(0).position("S3"))
                .hasMessageContaining("there is no role S3; there are IO, S1, S2, comma, end");
        Gpt2Config small = new Gpt2Config(1, 1, 1, 1, 9, 50257, 0, gpt2.actFn(), true, false, true);
        assertThatThrownBy(() -> PromptPairs.of(small, pairs)).hasMessageContaining("but the model has 9 positions");
        Gpt2Config few = new Gpt2Config(1, 1, 1, 1, 99, 100, 0, gpt2.actFn(), true, false, true);
        assertThatThrownBy(() -> PromptPairs.of(few, pairs)).hasMessageContaining("the vocabulary runs from 0 to 99");
        assertThatThrownBy(() -> PromptPairs.of(gpt2, List.of())).hasMessage("there is no pair of prompts");
        PromptPair outside =
                new PromptPair("p", new int[] {1}, new int[] {2}, new int[] {50257}, new int[0], java.util.Map.of());
        assertThatThrownBy(() -> PromptPairs.of(gpt2, List.of(outside)))
                .hasMessageContaining("the answer or distractor 50257 is outside the vocabulary");
        PromptPair shorter =
                new PromptPair("p", new int[] {1}, new int[] {2}, new int[] {7}, new int[0], java.util.Map.of());
        assertThatThrownBy(() ->
                        PromptPairs.of(gpt2, List.of(pairs.getFirst(), shorter)).commonLength())
                .hasMessageContaining("has 15 tokens and 'p' 1");
    }
}
