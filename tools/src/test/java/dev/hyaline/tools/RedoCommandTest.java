package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Results made again by the command that they keep. */
final class RedoCommandTest {
    @TempDir
    private Path temporary;

    private static String difference(Outcome outcome) {
        return JsonMapper.shared().readTree(outcome.out()).get("difference").asString();
    }

    private String path(String name) {
        return temporary.resolve(name).toString();
    }

    @ParameterizedTest
    @CsvSource({
        "lens --count 2 --threads=1, lens.svg, 'lens.csv, lens.json, lens.svg'",
        "lens --count 2 --no-bos, lens.csv, 'lens.csv, lens.json, lens.svg'",
        "heads --draws 4 --length 5, heads.png, heads.csv",
        "circuit --count 2 --edges 20 --draws 0, circuit.dot, circuit.dot",
        "dump --prompt=hello --sites resid_post --layers 1, manifest.json, activations.safetensors",
        "superposition --toy --features 2 --hidden 1 --instances 1 --toy-steps 5, toy-models-dimensionality.svg,"
                + " toy-models-dimensionality.svg"
    })
    void whatIsThereIsMadeAgain(String command, String file, String compared) {
        List<String> made = new ArrayList<>(List.of(command.split(" ")));
        made.addAll(List.of("--out", path("out")));
        Outcome.of(made.toArray(String[]::new)).succeeded();
        Outcome redone = Outcome.of("redo", path("out/" + file)).succeeded();
        assertThat(redone.out()).startsWith("hyaline " + made.getFirst()).contains("the same: ", compared);
        assertThat(redone.out()).doesNotContain("--threads", "--out");
    }

    @Test
    void aDigitThatWasChangedIsFound() throws IOException {
        Outcome.of("lens", "--count", "2", "--out", path("out")).succeeded();
        Path csv = temporary.resolve("out/lens.csv");
        Files.writeString(csv, Files.readString(csv).replaceFirst("3", "4"));
        Outcome changed = Outcome.of("redo", path("out/lens.json"));
        assertThat(changed.exitCode()).isEqualTo(1);
        assertThat(changed.out().replace("\n", "")).contains("lens.csv differs");
        JsonNode json = JsonMapper.shared()
                .readTree(Outcome.of("redo", path("out/lens.json"), "--json").out());
        assertThat(json.get("same").asBoolean()).isFalse();
        assertThat(json.get("difference").asString()).contains("lens.csv differs in line 2, column ");
        assertThat(Outcome.strings(json.get("command"))).containsExactly("lens", "--count", "2");
        Files.delete(csv);
        assertThat(Outcome.of("redo", path("out/lens.svg")).out().replace("\n", ""))
                .contains("lens.csv is missing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing.json", "plain.json", "plain.csv", "plain.txt", "broken.svg", "folder"})
    void whatHasNoRecordIsToldInOneSentence(String name) throws IOException {
        Files.createDirectory(temporary.resolve("folder"));
        Files.writeString(temporary.resolve("plain.json"), "{\"a\": 1}");
        Files.writeString(temporary.resolve("plain.txt"), "text");
        Files.writeString(temporary.resolve("plain.csv"), "a,b\n");
        Files.writeString(temporary.resolve("broken.svg"), "<svg a=\"\">\n<metadata>{nothing}</metadata>");
        Outcome outcome = Outcome.of("redo", path(name));
        assertThat(outcome.exitCode()).isBetween(1, 2);
        assertThat(outcome.err()).contains(temporary.resolve(name).toString()).hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource({
        "lens --bogus, --bogus",
        "lens --model=a/b --refresh, --refresh",
        "lens --html=page, --html",
        "lens -oelsewhere, -oelsewhere",
        "dump --plan plan.json, --plan",
        "shell x, shell",
        "'', no command"
    })
    void aCommandThatRedoDoesNotRunIsRefused(String command, String named) throws IOException {
        List<String> arguments = command.isEmpty() ? List.of() : List.of(command.split(" "));
        Files.writeString(
                temporary.resolve("x.json"),
                "{\"made\": {\"tool\": \"x\", \"command\": [%s], \"model_files\": []}}"
                        .formatted(arguments.stream()
                                .map(argument -> '"' + argument + '"')
                                .collect(Collectors.joining(","))));
        Outcome outcome = Outcome.of("redo", path("x.json"));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(path("x.json"), named).hasLineCount(1);
        assertThat(temporary.toFile().list()).containsExactly("x.json");
    }

    @ParameterizedTest
    @CsvSource({"lens, --picture", "sae evaluate, --html", "generate, --plan"})
    void anOptionThatTheCommandDoesNotHaveNamedNoFile(String command, String output) throws IOException {
        Files.writeString(
                temporary.resolve("x.json"),
                "{\"made\": {\"tool\": \"x\", \"command\": [\"%s\"], \"output\": \"%s\", \"model_files\": []}}"
                        .formatted(command.replace(" ", "\", \""), output));
        Outcome outcome = Outcome.of("redo", path("x.json"));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("without the option " + output).hasLineCount(1);
    }

    @Test
    void picturesOfAPromptAreMadeAgain() {
        String[] prompt = {"--prompt", "When Mary and John went to the store, John gave a drink to", "--out"};
        Outcome.of("lens", prompt[0], prompt[1], prompt[2], path("lens")).succeeded();
        Outcome.of("redo", path("lens/lens-map.svg")).succeeded();
        assertThat(Outcome.of("lens", prompt[0], prompt[1], prompt[2], path("lens"))
                        .err())
                .contains("exists already");
        Outcome.of("heads", prompt[0], prompt[1], prompt[2], path("heads")).succeeded();
        assertThat(Outcome.of("redo", path("heads/attention-patterns.svg"))
                        .succeeded()
                        .out())
                .contains("attention-patterns.svg");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        --no-shards  | "n_layer" : 4,     | "n_layer" : 99, | model.config.n_layer was 99 and is now 4
        --no-shards  | "text" : [ "he" | "text" : [ "bye" | prompts[0].text[0] was "bye" and is now "he"
        --no-shards  | "prompts" :        | "more" : 1, "prompts" : | more was 1 and is now absent
        --shards     | "documents" : 1,   | "documents" : 2, | corpus.documents was 2 and is now 1
        --plan       | "documents" : 1,   | "documents" : 2, | request.corpus.documents was 2 and is now 1
        --context 2 --pack --format datasets | "model":"fable" | "model":"fabel" | made.model was "fabel" and is now "fable"
        """)
    void anEditedManifestIsFound(String options, String before, String after, String difference) throws IOException {
        Path texts = Files.writeString(temporary.resolve("texts.txt"), "hello\n");
        Outcome.of(("dump --sites resid_post --layers 1 --no-bos --prompts " + texts + " --out " + path("d") + " "
                                + options)
                        .split(" "))
                .succeeded();
        Path manifest = temporary.resolve(
                options.equals("--plan")
                        ? "d/plan.json"
                        : options.contains("datasets") ? "d/made.json" : "d/manifest.json");
        String text = Files.readString(manifest);
        String changed =
                text.replaceFirst("\"tool\" : \"[^\"]*", "\"tool\" : \"another").replaceFirst("\"os\" : \"", "$0x");
        String redone = (options.equals("--plan") ? manifest : manifest.getParent()).toString();
        Files.writeString(manifest, changed);
        assertThat(Outcome.of("redo", redone).succeeded().out())
                .contains(manifest.getFileName().toString());
        assertThat(changed).contains(before);
        Files.writeString(manifest, changed.replace(before, after));
        Outcome outcome = Outcome.of("redo", redone, "--json");
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(difference(outcome)).isEqualTo(manifest + " differs: " + difference);
    }

    @Test
    void aDumpByPartsIsTheSameAsOneAtOnce() throws IOException {
        Path texts = Files.writeString(temporary.resolve("texts.txt"), "hello\n");
        String dump = "dump --sites resid_post --layers 1 --prompts " + texts + " --plan --out " + path("d");
        Outcome.of(dump.split(" ")).succeeded();
        Outcome.of("dump", "--part", "0/1", "--out", path("d")).succeeded();
        Outcome.of("dump", "--finish", "--out", path("d")).succeeded();
        assertThat(Outcome.of("redo", path("d")).succeeded().out()).contains("manifest.json");
        Path manifest = temporary.resolve("d/manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("\"tokens\" : ", "\"tokens\" : 9"));
        assertThat(Outcome.of("redo", path("d")).out().replace("\n", " ")).contains("corpus.tokens was 9");
    }

    @Test
    void aRecordThatLacksWhatIsNeededIsNamed() throws IOException {
        Path made = Files.createDirectory(temporary.resolve("evil")).resolve("made.json");
        assertThat(Outcome.of("redo", path("evil")).err())
                .endsWith("there is no made.json or manifest.json in it: it is empty\n");
        Files.writeString(made, "{\"command\": [\"lens\"]}");
        assertThat(Outcome.of("redo", path("evil")).err())
                .endsWith(made + " does not say how the files in its folder were made: it has no key made\n");
        Files.writeString(made, "{\"made\": {\"tool\": \"x\", \"command\": [\"explore\"], \"model_files\": []}}");
        assertThat(Outcome.of("redo", path("evil")).err())
                .endsWith(made + " does not name the option that the command explore wrote to (the key output),"
                        + " and it has no --out\n");
        Files.move(made, made.resolveSibling("manifest.json"));
        assertThat(Outcome.of("redo", path("evil")).err())
                .endsWith("manifest.json does not say how the files in its folder were made: it has no key command\n");
    }

    @Test
    void differencesNameFilesAsTheyWereGiven() throws IOException {
        Outcome.of("lens", "--count", "2", "--out", path("out")).succeeded();
        Files.delete(temporary.resolve("out/lens.csv"));
        Path here = Path.of("").toAbsolutePath();
        String relative = here.relativize(temporary.toRealPath()) + "/out/";
        for (String given : new String[] {relative, path("out/")}) {
            String folder = given.endsWith("/") ? given : given + "/";
            assertThat(difference(Outcome.of("redo", folder + "lens.svg", "--json")))
                    .isEqualTo(folder + "lens.csv is missing");
        }
    }
}
