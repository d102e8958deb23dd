package dev.hyaline.analysis.circuit;

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
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Broken files of circuits are read or refused in one sentence with the file's name: never another exception. */
final class CircuitFuzzTest {
    private static final int TIMES = 2_000;
    private static final Gpt2Config CONFIG =
            new Gpt2Config(2, 2, 4, 8, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    private static final String GRAPH = """
        {"cfg": {"n_layers": 2, "n_heads": 2, "parallel_attn_mlp": false, "d_model": 4},
         "nodes": {"input": {"in_graph": true, "score": NaN, "neurons": [true, false, true, true],
                             "neurons_scores": [0.5, NaN, 1e-05, -2.0]},
                   "a0.h1": {"in_graph": false, "score": 0.25}, "logits": {"in_graph": true}},
         "edges": {"input->a0.h1<q>": {"score": -0.00025, "in_graph": true},
                   "m1->logits": {"score": 1.5, "in_graph": false}}}
        """;
    private static final String LIST = """
        {"edges": [{"edge": "input->a0.h1<q>", "score": 1}, "m0->a1.h0<v>", "a1.h1->logits"]}
        """;
    private static final String LINES = """
        # three kinds of names
        m0->a1.h0<v>
        Resid Start->A1.1.Q
        blocks.1.hook_q_input[:, :, 0] <- blocks.0.attn.hook_result[:, :, 1]
        """;

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {GRAPH, LIST})
    void hostileValues(String good) throws IOException {
        fuzz(good, new HostileJson(new Random(1))::mutate);
    }

    @ParameterizedTest
    @ValueSource(strings = {GRAPH, LIST, LINES})
    void brokenBytes(String good) throws IOException {
        Random random = new Random(2);
        fuzz(good, bytes -> {
            byte[] broken = bytes.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            }
            return broken;
        });
    }

    private void fuzz(String text, UnaryOperator<byte[]> mutate) throws IOException {
        Path file = temporary.resolve("circuit");
        byte[] good = text.getBytes(UTF_8);
        Files.write(file, good);
        use(file);
        int used = 0;
        int refused = 0;
        for (int i = 0; i < TIMES; i++) {
            byte[] mutated = mutate.apply(good);
            // A new file: emptying one is taken for a save, and written to the disk.
            Files.delete(file);
            Files.write(file, mutated);
            try {
                use(file);
                used++;
            } catch (HyalineException e) {
                refused++;
                assertThat(e.getMessage())
                        .as("change %d", i)
                        .contains(file.toString())
                        .hasSizeLessThan(1_500)
                        .matches("[^\\p{Cntrl}]*");
            } catch (Throwable e) {
                throw new AssertionError("change " + i + ": " + new String(mutated, UTF_8), e);
            }
        }
        assertThat(used).as("used").isPositive();
        assertThat(refused).as("refused").isPositive();
    }

    private static void use(Path file) {
        EdgeList.read(file, CONFIG).pruned();
    }

    /** Names that are long, or that a pattern could try in many ways. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "hook_embed[",
                "blocks.1.hook_q_input[: , ",
                "blocks.1.hook_q_input",
                "hook_embed, ",
                "('blocks.1.hook_q_input', [None, ",
                "m0->",
                "a1.h",
                "-> "
            })
    void longLinesCostLittle(String part) throws IOException {
        Path file = temporary.resolve("circuit");
        Files.writeString(file, part + ":".repeat(100_000) + part.repeat(100_000) + ": , ".repeat(100_000));
        long before = allocated();
        String message = "";
        try {
            use(file);
        } catch (HyalineException e) {
            message = e.getMessage();
        }
        assertThat(message).startsWith(file.toString()).hasSizeLessThan(1_500);
        assertThat(allocated() - before).isLessThan((8 << 20) + 200 * Files.size(file));
    }

    /** A large model's graph, all of whose edges are in the file: each is looked up by itself. */
    @Test
    void manyEdgesCostWhatTheyMust() {
        Gpt2Config large =
                new Gpt2Config(24, 16, 16, 64, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
        Circuit full = Circuit.full(large);
        StringBuilder json = new StringBuilder("{\"cfg\": {\"n_layers\": 24, \"n_heads\": 16,"
                + " \"parallel_attn_mlp\": false, \"d_model\": " + large.dModel() + "}, \"nodes\": {}, \"edges\": {");
        full.edges()
                .forEach(edge -> json.append(json.charAt(json.length() - 1) == '{' ? "" : ", ")
                        .append('"')
                        .append(edge)
                        .append("\": {\"score\": 1, \"in_graph\": true}"));
        byte[] bytes = json.append("}}").toString().getBytes(UTF_8);
        long before = allocated();
        assertThat(GraphFile.parse("g.json", bytes, large).circuit().size()).isEqualTo(full.size());
        assertThat(allocated() - before).isLessThan(200L * bytes.length);
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
