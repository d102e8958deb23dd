package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** An option that cannot be is refused before anything is asked of the hub, let alone downloaded. */
final class OptionsFirstTest {
    private static final Set<String> ON_A_MODEL =
            Set.of("dump", "edit", "info", "generate", "patch", "ablate", "circuit", "lens", "attribute", "heads");

    /** What each command refuses, whatever the model. */
    private static final Map<String, List<String>> REFUSED = Map.of(
            "dump",
            List.of(
                    "--sites nonsense",
                    "--layers x",
                    "--positions 1.5",
                    "--heads x",
                    "--neurons x",
                    "--sequences x",
                    "--shard-size many",
                    "--every 0",
                    "--batch-tokens 0",
                    "--no-shards --every 2",
                    "--shards --format npz",
                    "--shards --roles S",
                    "--resume --force",
                    "--process fold",
                    "--tokens x",
                    "--prompts /nowhere.txt",
                    "--format zip",
                    "--out="),
            "edit",
            List.of(
                    "",
                    "--zero nonsense",
                    "--zero z --heads x",
                    "--zero z --components 1 --subspace v",
                    "--set z",
                    "--scale z=much",
                    "--noise nonsense=1",
                    "--add z=/nowhere.safetensors:v",
                    "--project-out z=v",
                    "--patch z",
                    "--patch z --source a --source-dump b",
                    "--mean z --source-dump /nowhere",
                    "--edits /nowhere",
                    "--zero z --coefficient 2",
                    "--zero z --seed 1",
                    "--zero z --by-position",
                    "--zero z --top 0",
                    "--zero z --generate -1",
                    "--zero z --tokens x"),
            "sites",
            List.of("--sites nonsense", "--layers x", "--batch 0", "--length 0"),
            "generate",
            List.of("--top-p 2", "--top-k -1", "--temperature -1", "--temperature 0 --seed 1", "--max-new-tokens -1"),
            "tokens",
            List.of("--decode x"),
            "patch",
            List.of(
                    "--what nonsense",
                    "--what z --edges all",
                    "--edges all --heads-to logits",
                    "--edges m0",
                    "--edges m3->m0",
                    "--heads-to input",
                    "--through m0",
                    "--heads-to logits --through x",
                    "--positions 3,,4",
                    "--edges all --positions 3",
                    "--metric loss",
                    "--task capitals --pairs x.json",
                    "--pairs /nowhere.json",
                    "--clean a",
                    "--count 0",
                    "--count 2000000000",
                    "--clean a --count 3",
                    "--out="),
            "ablate",
            List.of(
                    "--site nonsense",
                    "--layers x",
                    "--neurons x",
                    "--positions 3-",
                    "--sets x",
                    "--sets m0 --site z",
                    "--deviation 2",
                    "--how noise --deviation -1",
                    "--metric loss"),
            "lens",
            List.of("--prompt a --out=", "--prompt a --top 0", "--metric loss"),
            "heads",
            List.of(
                    "--prompt a --draws 3",
                    "--draws 0",
                    "--draws 2000000000",
                    "--length 0",
                    "--length 2000000000",
                    "--threshold 2",
                    "--above 1",
                    "--random x"),
            "circuit",
            List.of(
                    "--count 2000000000",
                    "--edges 0",
                    "--steps 0",
                    "--steps 2000000000",
                    "--tau 1",
                    "--evaluate /nowhere",
                    "--known /nowhere",
                    "--compare --method eap",
                    "--pairs /nowhere.json"));

    @TempDir
    private Path folder;

    static Stream<String> refused() {
        List<String> lines = new ArrayList<>();
        REFUSED.forEach((command, options) -> options.forEach(option -> lines.add(command + " " + option)));
        for (String command : ON_A_MODEL) {
            String needed = command.equals("edit") ? " --zero z" : "";
            lines.add(command + needed + " --threads 0");
            lines.add(command + needed + " --device tpu");
        }
        lines.add("sanity attribute --count 2000000000");
        lines.add("sanity attribute --out x");
        return lines.stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void nothingIsAskedOfTheHub(String line) throws IOException {
        assertThat(refusal(Arrays.stream(line.strip().split(" ")), "")).startsWith("hyaline: ");
    }

    /** As above, but nothing is wrong: the hub is asked, so that its silence above means something. */
    @Test
    void whatIsRightIsAskedOfTheHub() throws IOException {
        Map<String, String> environment;
        try (ServerSocket hub = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            environment = environment(hub);
        }
        assertThat(Outcome.in(environment, "patch", "--model", "gpt2-xl").err()).contains("gpt2-xl");
    }

    /** Mistakes in a file are seen before the hub is asked, all that takes no model. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "edit --edits | [] | must be a JSON object, found []",
                "edit --edits | {\"format\": \"x\"} | in format \"hyaline-interventions/1\", found \"x\"",
                "edit --edits | EDITS{\"do\": \"nil\", \"site\": \"z\"} | expected one of [zero,",
                "edit --edits | EDITS{\"do\": \"zero\", \"site\": \"zz\"} | unknown hook point zz",
                "edit --edits | EDITS{\"do\": \"zero\", \"site\": \"z\", \"layers\": \"x\"} | 'x' is not a selection",
                "edit --edits | EDITS{\"do\": \"zero\", \"site\": \"z\", \"positions\": 1.5} | \"positions\": expected",
                "edit --edits | EDITS{\"do\": \"scale\", \"site\": \"z\"} | needs \"factor\"",
                "edit --edits | EDITS{\"do\": \"zero\", \"site\": \"z\", \"by\": 1} | has \"by\", which means nothing",
                "edit --edits | EDITS{\"do\": \"patch\", \"site\": \"z\", \"source\": \"run\"} | as no run has a name"
                        + " here",
                "edit --source a --edits | EDITS{\"do\": \"patch\", \"site\": \"z\", \"source\": \"run\"} | one of"
                        + " [source]",
                "edit --edits | EDITS{\"do\": \"patch\", \"site\": \"z\", \"source\": {\"dump\": \"no\"}} | no such"
                        + " file",
                "edit --edits | EDITS{\"do\": \"set\", \"site\": \"z\", \"value\": \"x\"} | expected numbers, found",
                "dump --prompts | {\"txt\": \"a\"} | :1: expected a string, or an object",
                "dump --prompts | {\"text\": \"a\", \"positions\": {\"S\": \"x\"}} | S must be a whole number",
                "dump --roles S --prompts | {\"text\": \"a\"} | does not say where S stands",
                "dump --sequences 1 --prompts | {\"text\": \"a\"} | there is no sequence 1",
                "dump --every 2 --prompts | {\"tokens\": 1} | \"tokens\" must be a list of token ids",
                "edit --zero z --prompts | nonsense | :1: expected JSON, found",
                "generate --prompts | `` | holds no prompt",
                "heads --prompts | {\"tokens\": [1.5]} | \"tokens\" must be a list of token ids",
                "patch --pairs | {} | expected a list of pairs",
                "patch --pairs | [{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": 1.5}] | [0].answer to be a text"
                        + " of one",
                "ablate --pairs | [{\"clean\": \"a\", \"corupted\": \"b\"}] | there is no property \"corupted\"",
                "lens --pairs | [{\"clean\": \"a\", \"corrupted\": 1, \"answer\": 1}] | [0].corrupted to be a text",
                "attribute --pairs | [{\"template\": \"x\", \"clean\": {}, \"corrupted\": {}, \"answer\": 1}] | needs"
                        + " slots",
                "patch --pairs | [{\"template\": \"{x}\", \"clean\": {}, \"corrupted\": {}, \"answer\": 1}] | a word"
                        + " for {x}",
                "patch --pairs | [{\"clean\": [1], \"corrupted\": [2, 3], \"answer\": 1}] | the corrupted 2",
            })
    void whatAFileHoldsIsCheckedFirst(String command, String content, String message) throws IOException {
        Path file = folder.resolve("input.jsonl");
        Files.writeString(
                file,
                content.startsWith("EDITS")
                        ? "{\"format\": \"hyaline-interventions/1\", \"interventions\": [" + content.substring(5) + "]}"
                        : content);
        assertThat(refusal(Stream.concat(Arrays.stream(command.split(" ")), Stream.of(file.toString())), ""))
                .startsWith("hyaline: ")
                .contains(message);
    }

    @Test
    void standardInputIsCheckedFirst() throws IOException {
        assertThat(refusal(Stream.of("dump", "--prompts", "-"), "{\"txt\": 1}"))
                .startsWith("hyaline: standard input:1: expected a string");
    }

    @Test
    void foldersToWriteAreCheckedFirst() throws IOException {
        Files.writeString(folder.resolve("manifest.json"), "");
        for (String command : List.of("dump", "convert")) {
            assertThat(refusal(Stream.of(command, "--out", folder.toString()), ""))
                    .contains(folder.toString(), "choose another");
        }
    }

    private String refusal(Stream<String> command, String input) throws IOException {
        try (ServerSocket hub = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Outcome outcome = Outcome.in(
                    environment(hub),
                    input,
                    Stream.concat(command, Stream.of("--model", "gpt2-xl")).toArray(String[]::new));
            assertThat(outcome.exitCode()).as(outcome.err()).isIn(1, 2);
            assertThat(outcome.err()).doesNotContain("gpt2-xl", "hub", "unexpected");
            assertThat(outcome.out()).isEmpty();
            assertThat(folder.resolve("cache")).doesNotExist();
            return outcome.err();
        }
    }

    @Test
    void tablesThatAreThereAreSeenFirst() throws IOException {
        Files.writeString(folder.resolve("resid_pre.csv"), "");
        assertThat(Outcome.of("patch", "--model", "gpt2-xl", "--out", folder.toString())
                        .err())
                .contains("exists already", "--force")
                .doesNotContain("gpt2-xl");
    }

    @Test
    void helpIsShownWhateverElseIsWrong() {
        assertThat(Outcome.of("patch", "--threads", "0", "--help").succeeded().out())
                .contains("Usage: hyaline patch", "--threads", "--task", "--metric");
    }

    private Map<String, String> environment(ServerSocket hub) {
        return Map.of(
                "HF_ENDPOINT",
                "http://127.0.0.1:" + hub.getLocalPort(),
                "HF_HUB_CACHE",
                folder.resolve("cache").toString(),
                "HF_HUB_DOWNLOAD_TIMEOUT",
                "1");
    }
}
