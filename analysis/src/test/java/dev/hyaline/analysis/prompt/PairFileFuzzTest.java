package dev.hyaline.analysis.prompt;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.HostileJson;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Broken files of pairs are read or refused in one sentence with the file's name: never another exception. */
final class PairFileFuzzTest {
    private static final int TIMES = 2_000;
    private static final Gpt2Config CONFIG =
            new Gpt2Config(1, 2, 4, 4, 64, 300, 1e-5f, ActivationFunction.RELU, true, false, true);
    private static final String GOOD = """
        [{"template": "When {A} and {B} went, {C} gave", "name": "one", "clean": {"A": "Ann", "B": "Bob", "C": "Ann"},
          "corrupted": {"C": "Bob"}, "answer": "x", "distractor": ["y", 7], "positions": {"verb": 3}},
         {"clean": "abc", "corrupted": "abd", "answer": 5},
         {"clean": [1, 2, 3], "corrupted": [1, 2, 4], "answer": [5, 6], "positions": {"end": 2}}]
        """;

    @TempDir
    private Path temporary;

    private Path file;
    private int encoded;

    /** A token for each byte, which are counted. */
    private final PromptEncoder encoder = new PromptEncoder(
            text -> {
                byte[] bytes = text.getBytes(UTF_8);
                encoded += bytes.length;
                int[] tokens = new int[bytes.length];
                for (int i = 0; i < tokens.length; i++) {
                    tokens[i] = bytes[i] & 0xFF;
                }
                return tokens;
            },
            List.of(256),
            CONFIG.dVocab());

    @BeforeEach
    void nameFile() {
        file = temporary.resolve("pairs.json");
    }

    @Test
    void hostileValues() throws IOException {
        HostileJson json = new HostileJson(new Random(1));
        fuzz(json::mutate);
    }

    @Test
    void brokenBytes() throws IOException {
        Random random = new Random(2);
        fuzz(good -> {
            byte[] broken = good.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            }
            return broken;
        });
    }

    private void fuzz(UnaryOperator<byte[]> mutate) throws IOException {
        byte[] good = GOOD.getBytes(UTF_8);
        Files.write(file, good);
        use();
        int used = 0;
        int refused = 0;
        for (int i = 0; i < TIMES; i++) {
            byte[] mutated = mutate.apply(good);
            // A new file: emptying one is taken for a save, and written to the disk.
            Files.delete(file);
            Files.write(file, mutated);
            try {
                use();
                used++;
            } catch (HyalineException e) {
                refused++;
                assertThat(e.getMessage())
                        .as("change %d", i)
                        .contains(file.toString())
                        .hasSizeLessThan(1_500);
            } catch (Throwable e) {
                throw new AssertionError("change " + i + ": " + new String(mutated, ISO_8859_1), e);
            }
        }
        assertThat(used).as("used").isPositive();
        assertThat(refused).as("refused").isPositive();
    }

    private void use() {
        List<PromptPair> pairs = PairFile.read(file).encode(encoder);
        try {
            PromptPairs checked = PromptPairs.of(CONFIG, pairs);
            checked.roles().forEach(role -> checked.list().forEach(pair -> pair.position(role)));
        } catch (HyalineException e) {
            // What does not suit the model is said by the pair's name.
            assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(1_500);
        }
    }

    /** A few bytes that would be encoded again and again, listed at length, or nested. */
    @Test
    void smallFilesCostLittle() throws IOException {
        String slots = "{%s}".formatted(String.join("} {", numbered(20_000)));
        String pair = "{\"clean\":{\"a\":\"x\"},\"corrupted\":{},\"answer\":1}";
        for (String text : List.of(
                "{\"template\":\"" + slots + "\",\"pairs\":[" + pair + "]}",
                "{\"template\":\"{a}" + "x".repeat(200_000) + "\",\"pairs\":[" + pair + "]}",
                "{\"template\":\"{a}" + "x".repeat(60_000) + "\",\"pairs\":["
                        + String.join(",", Collections.nCopies(5_000, pair)) + "]}",
                "[" + "[".repeat(200_000),
                "[{\"clean\":" + "9".repeat(200_000) + "}]",
                "[{\"" + "k".repeat(50_000) + "\":1}]",
                "[{\"answer\":\"" + "long ".repeat(50_000) + "\"}]",
                "[{\"clean\":\"a\",\"corrupted\":\"a\",\"answer\":1,\"positions\":{\"" + "r".repeat(50_000)
                        + "\":99}}]",
                "[{\"clean\":\"" + "a".repeat(100_000) + "\",\"corrupted\":\"a\",\"answer\":1}]")) {
            Files.writeString(file, text);
            encoded = 0;
            long before = allocated();
            try {
                use();
            } catch (HyalineException e) {
                assertThat(e.getMessage()).startsWith(file.toString()).hasSizeLessThan(1_500);
            }
            assertThat(encoded).as(text.substring(0, 60)).isLessThan(100_000_000);
            assertThat(allocated() - before).as(text.substring(0, 60)).isLessThan(4L << 30);
        }
    }

    private static List<String> numbered(int count) {
        return IntStream.range(0, count).mapToObj(String::valueOf).toList();
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
