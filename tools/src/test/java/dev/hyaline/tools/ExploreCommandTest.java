package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code explore}. */
final class ExploreCommandTest {
    private static final int TERMINATED = 143;

    private static final Pattern COMMAND = Pattern.compile("\"command\":\"([^\"]+)\"");

    @TempDir
    private Path folder;

    @Test
    void anEmptyPromptIsNotExported(@TempDir Path folder) {
        Outcome empty = Outcome.of(
                "explore", "--prompt", "", "--export", folder.resolve("p.html").toString());
        assertThat(empty.exitCode()).isEqualTo(2);
        assertThat(empty.err()).isEqualTo("hyaline: --prompt is empty\n");
    }

    @Test
    void itPrintsOneAddressServesItAndEndsCleanly() throws Exception {
        Process process = Outcome.builder(folder, "C.UTF-8", "explore", "--prompt", "The dog likes")
                .start();
        process.getOutputStream().close();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
                HttpClient client = HttpClient.newHttpClient()) {
            URI address = URI.create(out.readLine());
            assertThat(address.toString()).matches("http://127\\.0\\.0\\.1:\\d+/#token=[0-9a-f]{32}");
            HttpResponse<String> model = client.send(
                    HttpRequest.newBuilder(address.resolve("/api/1/model"))
                            .header("X-Hyaline-Token", address.getFragment().substring("token=".length()))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(model.statusCode()).isEqualTo(200);
            assertThat(model.body()).contains("\"model\":\"fable\"", "\"prompt\":\"The dog likes\"");
            // Process.destroy would also close what it wrote.
            process.toHandle().destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(TERMINATED);
            assertThat(out.readLine()).isNull();
            assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("hyaline: open this address in a browser on this machine; Ctrl-C ends it")
                    .doesNotContain("Exception", "\tat ");
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void theCommandsOfAttributionsRun() throws Exception {
        new SaeFixture(folder).train("sae");
        List<String> start = List.of("explore", "--process", "center_unembed", "--sae", "sae");
        Process process =
                Outcome.builder(folder, "C.UTF-8", start.toArray(String[]::new)).start();
        process.getOutputStream().close();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
                HttpClient client = HttpClient.newHttpClient()) {
            URI address = URI.create(out.readLine());
            for (String by : List.of("head", "feature")) {
                HttpResponse<String> view = client.send(
                        HttpRequest.newBuilder(address.resolve("/api/1/view"))
                                .header("X-Hyaline-Token", address.getFragment().substring("token=".length()))
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(
                                        "{\"view\": \"attribution\", \"prompt\": \"The dog likes\", \"by\": \"" + by
                                                + "\"}"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString(StandardCharsets.ISO_8859_1));
                assertThat(view.body()).contains("\"basis\":\"weights processed by center_unembed\"");
                Matcher command = COMMAND.matcher(view.body());
                assertThat(command.find()).isTrue();
                assertThat(command.group(1)).contains(" --by " + by, " --process center_unembed");
                Outcome.ofLine(command.group(1).replace("--sae sae", "--sae " + folder.resolve("sae")))
                        .succeeded();
            }
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aPromptThatDoesNotFitIsRefusedBeforeItListens() {
        Outcome outcome = Outcome.of("explore", "--prompt", "word ".repeat(200));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("--prompt has ", "but the model has 128 positions")
                .hasLineCount(1);
    }

    @Test
    void aDumpOfAnotherModelIsRefused() throws IOException {
        Path texts = Files.writeString(folder.resolve("t.jsonl"), "{\"text\": \"The dog ran to the park.\"}\n");
        String rows = folder.resolve("rows").toString();
        Outcome made =
                Outcome.of("dump", "--prompts", texts.toString(), "--sites", "resid_post", "--shards", "--out", rows);
        assertThat(made.exitCode()).isZero();
        Outcome otherwise = Outcome.of(
                "explore",
                "--process",
                "fold_ln",
                "--dump",
                rows,
                "--export",
                folder.resolve("folded.html").toString());
        assertThat(otherwise.exitCode()).isEqualTo(2);
        assertThat(otherwise.err())
                .contains("weights processed by nothing", "found fold_ln")
                .hasLineCount(1);
        Outcome same = Outcome.of(
                "explore",
                "--dump",
                rows,
                "--export",
                folder.resolve("same.html").toString());
        assertThat(same.exitCode()).isZero();
        Path manifest = folder.resolve("rows/manifest.json");
        Matcher hash = Pattern.compile("\"sha256\" : \"([0-9a-f]{64})\"").matcher(Files.readString(manifest));
        assertThat(hash.find()).isTrue();
        String other = "0".repeat(64);
        Files.writeString(manifest, Files.readString(manifest).replaceFirst(hash.group(1), other));
        Outcome refused = Outcome.of(
                "explore",
                "--dump",
                rows,
                "--export",
                folder.resolve("other.html").toString());
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err())
                .contains("--dump: " + rows + " was made with another model: its ", " has SHA-256 " + other)
                .hasLineCount(1);
        assertThat(folder.resolve("other.html")).doesNotExist();
    }
}
