package dev.hyaline.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.fixtures.HostileJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Broken files of prompts, pairs and edits give a result or one sentence with the file's name, whatever is in them. */
final class HostileInputTest {
    private static final int TIMES = 40;

    @TempDir
    private Path temporary;

    @Test
    void prompts() throws IOException {
        String good = """
            {"text": "When Mary went", "positions": {"subject": 1}}
            {"tokens": [1, 2, 3], "positions": {"subject": -1}}
            "a plain one"
            """;
        HostileJson json = new HostileJson(new Random(1));
        fuzz(
                "prompts.jsonl",
                good,
                bytes -> lines(bytes, json),
                "dump",
                "--dry-run",
                "--sites",
                "resid_post",
                "--prompts");
    }

    @Test
    void promptsOfBytes() throws IOException {
        Random random = new Random(2);
        fuzz(
                "prompts.txt",
                "When Mary went\nto the store\n",
                bytes -> broken(bytes, random),
                "dump",
                "--dry-run",
                "--sites",
                "resid_post",
                "--prompts");
    }

    @Test
    void pairs() throws IOException {
        String good = """
            [{"clean": "When Mary and John went, John gave it to", "corrupted": "When Mary and John went, Mary gave it to",
              "answer": " Mary", "distractor": " John", "positions": {"subject": 2}}]
            """;
        HostileJson json = new HostileJson(new Random(3));
        fuzz("pairs.json", good, json::mutate, "attribute", "--pairs");
    }

    @Test
    void edits() throws IOException {
        String good = """
            {"format": "hyaline-interventions/1", "interventions": [
             {"do": "zero", "site": "z", "layers": "1", "heads": "0", "positions": "-1"},
             {"do": "noise", "site": "mlp_out", "layers": 1, "deviation": 0.5, "seed": 3}]}
            """;
        HostileJson json = new HostileJson(new Random(4));
        fuzz("edits.json", good, json::mutate, "edit", "--prompt", "a b", "--edits");
    }

    /** A few bytes that would take long or be told at length. */
    @Test
    void smallFilesAreToldInOneSentence() throws IOException {
        StringBuilder roles = new StringBuilder("{\"text\": \"a\", \"positions\": {");
        for (int i = 0; i < 20_000; i++) {
            roles.append(i == 0 ? "" : ",").append('"').append("role").append(i).append("\": 0");
        }
        Path prompts = temporary.resolve("prompts.jsonl");
        Files.writeString(prompts, roles.append("}}\n"));
        refused(prompts, "dump", "--dry-run", "--roles", "x".repeat(10_000), "--prompts");
        Files.writeString(prompts, "{\"text\": \"a\", \"positions\": {\"" + "r".repeat(50_000) + "\": 5}}\n");
        refused(prompts, "dump", "--dry-run", "--roles", "r".repeat(50_000), "--prompts");
        Files.writeString(prompts, "{\"tokens\": [" + "9".repeat(50_000) + "]}\n");
        refused(prompts, "dump", "--dry-run", "--prompts");
        Files.writeString(prompts, "[".repeat(500_000));
        refused(prompts, "dump", "--dry-run", "--prompts");
        Files.writeString(prompts, "\"" + "a ".repeat(500_000) + "\"");
        refused(prompts, "dump", "--dry-run", "--prompts");
        Path pairs = temporary.resolve("pairs.json");
        Files.writeString(pairs, "[{\"" + "k".repeat(50_000) + "\": 1}]");
        refused(pairs, "patch", "--pairs");
        Path edits = temporary.resolve("edits.json");
        for (String value : List.of("9".repeat(50_000), "\"" + "9".repeat(50_000) + "\"", "[".repeat(500_000))) {
            Files.writeString(
                    edits,
                    "{\"format\": \"hyaline-interventions/1\", \"interventions\": [{\"do\": \"zero\", \"site\": \"z\","
                            + " \"layers\": " + value + "}]}");
            refused(edits, "edit", "--prompt", "a", "--edits");
        }
        Files.writeString(
                edits,
                "{\"format\": \"hyaline-interventions/1\", \"interventions\": [{\"do\": \"zero\", \"site\": \""
                        + "*o".repeat(10_000) + "\"}]}");
        refused(edits, "edit", "--prompt", "a", "--edits");
    }

    /** What never ends is read up to a bound. */
    @Test
    void devicesAreNoFiles() {
        Path zeros = Path.of("/dev/zero");
        refused(zeros, "attribute", "--pairs");
        refused(zeros, "edit", "--prompt", "a", "--edits");
    }

    private void refused(Path file, String... arguments) {
        List<String> line = new ArrayList<>(List.of(arguments));
        line.add(file.toString());
        Outcome outcome = Outcome.of(line.toArray(String[]::new));
        assertThat(outcome.exitCode()).as(outcome.err()).isNotZero();
        assertSentence(outcome);
        assertThat(outcome.err()).contains(file.getFileName().toString());
    }

    private void fuzz(String name, String good, UnaryOperator<byte[]> mutate, String... arguments) throws IOException {
        Path file = temporary.resolve(name);
        List<String> line = new ArrayList<>(List.of(arguments));
        line.add(file.toString());
        Files.writeString(file, good);
        Outcome.of(line.toArray(String[]::new)).succeeded();
        int refused = 0;
        int named = 0;
        for (int i = 0; i < TIMES; i++) {
            byte[] mutated = mutate.apply(good.getBytes(UTF_8));
            Files.write(file, mutated);
            Outcome outcome = Outcome.of(line.toArray(String[]::new));
            if (outcome.exitCode() != 0) {
                refused++;
                assertSentence(outcome);
                named += outcome.err().contains(name) ? 1 : 0;
            }
        }
        // What is well-formed and does not suit the model or the other options is not the file's fault alone.
        assertThat(named).as("refused by the file's name").isGreaterThan(refused / 2);
        assertThat(refused).as("refused").isPositive();
    }

    private static void assertSentence(Outcome outcome) {
        assertThat(outcome.err())
                .startsWith("hyaline: ")
                .doesNotContain("unexpected failure", "Exception")
                .hasSizeLessThan(1_920)
                .hasLineCount(1);
    }

    private static byte[] lines(byte[] file, HostileJson json) {
        StringBuilder mutated = new StringBuilder();
        new String(file, UTF_8)
                .lines()
                .forEach(line -> mutated.append(new String(json.mutate(line.getBytes(UTF_8)), UTF_8))
                        .append('\n'));
        return mutated.toString().getBytes(UTF_8);
    }

    private static byte[] broken(byte[] file, Random random) {
        byte[] broken = file.clone();
        for (int i = random.nextInt(4); i >= 0; i--) {
            broken[random.nextInt(broken.length)] = (byte) random.nextInt();
        }
        return broken;
    }
}
