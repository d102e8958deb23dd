package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.instrument.dump.ActivationStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code hyaline dump} in parts: a plan, its parts in any order and processes, and the end. */
final class DumpPartsTest {
    @TempDir
    private static Path shared;

    private static String corpus;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void writeCorpus() throws IOException {
        Path file = shared.resolve("corpus.jsonl");
        Files.writeString(file, "\"When Mary and John went to the store\"\n\n{\"tokens\": [1535, 7, 8]}\n".repeat(200));
        corpus = file.toString();
        Outcome.of(request(shared.resolve("planned").toString(), "--plan")).succeeded();
    }

    /** Has the plan of the request without more options in the folder of the dump. */
    private void plan() throws IOException {
        Files.createDirectory(temporary.resolve("out"));
        Files.copy(shared.resolve("planned/plan.json"), temporary.resolve("out/plan.json"));
    }

    private String out() {
        return temporary.resolve("out").toString();
    }

    private static String[] request(String out, String... more) {
        return requestOf(corpus, out, more);
    }

    private static String[] requestOf(String prompts, String out, String... more) {
        return Stream.concat(
                        Stream.of(
                                "dump",
                                "--prompts",
                                prompts,
                                "--sites",
                                "resid_post0",
                                "--shard-size",
                                "70kB",
                                "--out",
                                out),
                        Stream.of(more))
                .toArray(String[]::new);
    }

    private Outcome part(String part, String... more) {
        return Outcome.of(Stream.concat(Stream.of("dump", "--out", out(), "--part", part), Stream.of(more))
                .toArray(String[]::new));
    }

    private Outcome finish(String... more) {
        return Outcome.of(Stream.concat(Stream.of("dump", "--out", out(), "--finish"), Stream.of(more))
                .toArray(String[]::new));
    }

    private static Map<String, byte[]> files(Path folder, String ending) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> list = Files.list(folder)) {
            for (Path file : list.toList()) {
                if (file.getFileName().toString().endsWith(ending)) {
                    files.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
        }
        return files;
    }

    private static void assertSameShards(Path found, Path expected) throws IOException {
        Map<String, byte[]> there = files(found, ".safetensors");
        Map<String, byte[]> wanted = files(expected, ".safetensors");
        assertThat(there.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, bytes) ->
                assertThat(Arrays.equals(there.get(name), bytes)).as(name).isTrue());
    }

    @ParameterizedTest
    @CsvSource({"''", "--every 3 --skip-bos --long truncate --dtype f16", "--context 5 --pack --positions 1-3"})
    void partsMakeTheShardsOfOneDump(String options) throws IOException {
        String[] more = options.isEmpty() ? new String[0] : options.split(" ", -1);
        Path whole = temporary.resolve("whole");
        Outcome.of(request(whole.toString(), more)).succeeded();
        String[] plan = Stream.concat(Stream.of(more), Stream.of("--plan")).toArray(String[]::new);
        String text = Outcome.of(request(out(), plan)).succeeded().out();
        assertThat(text).contains("Wrote " + out(), "plan.json", "--part 0/", "--finish");
        assertThat(temporary.resolve("out").toFile().list()).containsExactly("plan.json");

        assertThat(finish().err())
                .contains(
                        "lacks these of the ",
                        " shards of its plan, or the JSON beside them: 0",
                        "--part and --finish");
        assertThat(part("2/3").succeeded().out()).contains("Wrote ", "tokens/s");
        JsonNode first =
                part("0", "--json", "--threads", "1", "--batch-tokens", "7").json();
        assertThat(first.get("shards")).hasSize(1);
        assertThat(first.get("found").asInt()).isZero();
        part("1/3").succeeded();
        part("0/3").succeeded();
        assertThat(part("0/1").succeeded().out()).contains("Nothing was left to do");
        JsonNode finished = finish("--verify", "--json").json();
        assertThat(finished.get("written").asBoolean()).isTrue();
        assertSameShards(temporary.resolve("out"), whole);

        JsonNode one = JsonMapper.shared().readTree(whole.resolve("manifest.json"));
        JsonNode all = JsonMapper.shared().readTree(temporary.resolve("out/manifest.json"));
        for (String key : List.of("format", "tool", "model", "capture", "activations", "command", "shards")) {
            assertThat(all.get(key)).as(key).isEqualTo(one.get(key));
        }
        assertThat(all.at("/corpus/files/0/name").asString()).isEqualTo(corpus);
        assertThat(all.at("/corpus/tokens")).isEqualTo(one.at("/corpus/tokens"));
        try (ActivationStore store = ActivationStore.open(temporary.resolve("out"))) {
            store.verify();
            assertThat(store.rows()).isEqualTo(finished.get("rows").asLong());
        }
    }

    @Test
    void aPlanMadeAgainIsTheSameAndADryRunWritesNone() throws IOException {
        JsonNode dry =
                Outcome.of(request(out(), "--plan", "--dry-run", "--json")).json();
        assertThat(temporary.resolve("out")).doesNotExist();
        JsonNode plan = Outcome.of(request(out(), "--plan", "--json")).json();
        assertThat(dry.get("plan_sha256")).isEqualTo(plan.get("plan_sha256"));
        byte[] bytes = Files.readAllBytes(temporary.resolve("out/plan.json"));
        assertThat(Outcome.of(request(out(), "--plan")).err()).contains("plan.json exists already", "--force");
        Outcome.of(request(out(), "--plan", "--resume", "--threads", "1")).succeeded();
        assertThat(temporary.resolve("out/plan.json")).hasBinaryContent(bytes);
        Outcome other = Outcome.of(request(out(), "--plan", "--resume", "--every", "2"));
        assertThat(other.err()).contains("is another: capture.every was 1 and is now 2", "--force");
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(Outcome.of(request(out(), "--resume")).err())
                .contains("written in parts by its plan.json; go on with it (--part and --finish)");
        Outcome.of(request(out(), "--plan", "--force", "--every", "2")).succeeded();
        assertThat(Files.readAllBytes(temporary.resolve("out/plan.json"))).isNotEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "--part 4/4; there is no part 4/4; of 4 parts the first is 0",
                "--part 1/0; there is no part 1/0",
                "--part x; --part must be one of so many, such as 3/16, or a shard's number, found 'x'",
                "--part -1; found '-1'",
                "--part 1/2/3; found '1/2/3'",
                "--part 1.5; found '1.5'",
                "--part 99; there is no shard 99; those of the plan run from 0 to",
                "--part 0 --sites z; --part takes what to write from plan.json; leave out --sites",
                "--part 0 --model fable --every 2; leave out --model, --every",
                "--part 0 --device cpu; leave out --device",
                "--part 0 --dtype f16; leave out --dtype",
                "--part 0 --dry-run; leave out --dry-run",
                "--part 0 --force; leave out --force",
                "--part 0 --verify; --verify goes with --finish",
                "--verify; --verify goes with --finish",
                "--finish --threads 1; --finish takes what to write from plan.json; leave out --threads",
                "--part 0 --finish; --plan, --part and --finish exclude each other",
                "--plan; --plan takes prompts from files alone",
                "--plan --prompt x; --plan takes prompts from files alone",
                "--plan --prompts -; standard input is none; save it to a file",
                "--plan --prompts /nowhere; cannot read /nowhere: no such file",
                "--plan --prompts /dev/null; /dev/null is none",
                "--pack; --pack needs --context",
                "--context 4; --context goes with --pack",
                "--context 0 --pack; --context must be at least 1, found 0",
                "--context 4 --pack --skip-bos; --skip-bos is for documents",
                "--context 4 --pack --long split; --long is for documents",
                "--context 4 --pack --no-shards; --no-shards excludes",
                "--context 1000 --pack; a context window must have from 1 to",
            })
    void whatCannotBeIsRefused(String options, String sentence) throws IOException {
        plan();
        String[] given = Stream.concat(Stream.of("dump", "--out", out()), Stream.of(options.split(" ", -1)))
                .toArray(String[]::new);
        if (options.startsWith("--plan") || options.contains("ack")) {
            given[2] = temporary.resolve("new").toString();
        }
        Outcome refused = Outcome.of(given);
        assertThat(refused.err()).contains(sentence);
        assertThat(refused.err().lines()).hasSizeLessThanOrEqualTo(2);
        assertThat(refused.exitCode()).isPositive();
        assertThat(temporary.resolve("new")).doesNotExist();
        assertThat(temporary.resolve("out").toFile().list()).containsExactly("plan.json");
    }

    @Test
    void aPlanOfSomethingElseIsRefusedByName() throws IOException {
        for (String more : List.of("--no-shards", "--format npz", "--roles x")) {
            String[] plan = Stream.concat(Stream.of(more.split(" ", -1)), Stream.of("--plan"))
                    .toArray(String[]::new);
            assertThat(Outcome.of(request(out(), plan)).exitCode()).as(more).isPositive();
            assertThat(temporary.resolve("out")).as(more).doesNotExist();
        }
        assertThat(part("0").err()).contains("cannot read").contains("plan.json");
        assertThat(finish().err()).contains("cannot read").contains("plan.json");
        plan();
        Path file = temporary.resolve("out/plan.json");
        String plan = Files.readString(file);
        String sha256 = plan.replaceAll("(?s).*\"splits\".*\"sha256\" : \"([0-9a-f]{64})\".*", "$1");
        Map<String, String> damages = new TreeMap<>();
        damages.put("", "nothing");
        damages.put("[]", "a JSON object");
        damages.put(plan.replace("hyaline-plan/1", "hyaline-plan/2"), "\"hyaline-plan/1\"");
        damages.put(plan.replace("\"totals\"", "\"total\""), "exactly the keys format, request, name");
        damages.put(plan.replace("\"offset\" : 0", "\"offset\" : 3"), "the split after the one before");
        damages.put(plan.replace("\"lines\" : 0", "\"lines\" : 1"), "the split after the one before");
        damages.put(plan.replace(sha256, "x"), "a SHA-256 of 64 hexadecimal digits");
        damages.put(plan.replace(sha256, "0".repeat(64)), "its text has changed");
        damages.put(plan.replace("\"every\" : 1", "\"every\" : 2"), "capture.every was 2 and is now 1");
        damages.put(plan.replace("\"--every\", \"1\"", "\"--every\", \"2\""), "the counts of the plan give");
        damages.put(plan.replace("\"--every\", \"1\"", "\"--evry\", \"1\""), "its command cannot be run");
        damages.put(plan.replaceAll("\"tool\" : \"hyaline [^\"]*\"", "\"tool\" : \"hyaline 0\""), "tool was");
        damages.put(plan.replaceAll("\"rows\" : [0-9]+", "\"rows\" : 7"), "the counts of the plan give");
        damages.put(plan.replaceFirst("\"name\" : \"config.json\"", "\"name\" : \"c\""), "model.files[0].name was");
        damages.put(plan.replace(corpus, corpus + "x"), corpus + "x: no such file");
        damages.put(plan + "x", "JSON");
        for (Map.Entry<String, String> damage : damages.entrySet()) {
            assertThat(damage.getKey()).isNotEqualTo(plan);
            Files.writeString(file, damage.getKey());
            Outcome refused = part("0/1");
            assertThat(refused.err()).contains(damage.getValue()).hasLineCount(1);
            assertThat(refused.exitCode()).isPositive();
            assertThat(temporary.resolve("out").toFile().list()).containsExactly("plan.json");
        }
        Files.writeString(file, plan);
        part("0/1").succeeded();
        Path json = temporary.resolve("out/activations-00000.safetensors.json");
        String done = Files.readString(json);
        for (String damaged : List.of(
                "",
                "{}",
                done.replace("hyaline-part/1", "x"),
                done.replace("activations-00000", "activations-00001"),
                done.replaceAll("\"rows\" : [0-9]+", "\"rows\" : 3"),
                done.replaceAll("\"plan\" : \"[0-9a-f]", "\"plan\" : \"x"),
                done.replaceAll("\"plan\" : \".*\"", "\"plan\" : \"" + "0".repeat(64) + "\""))) {
            Files.writeString(json, damaged);
            assertThat(finish().err()).contains("activations-00000.safetensors").hasLineCount(1);
            assertThat(part("0/1").err())
                    .contains("activations-00000.safetensors")
                    .hasLineCount(1);
        }
        Files.writeString(json, done);
        byte[] shard = Files.readAllBytes(temporary.resolve("out/activations-00000.safetensors"));
        shard[shard.length / 2] ^= 1;
        Files.write(temporary.resolve("out/activations-00000.safetensors"), shard);
        assertThat(finish("--verify").err())
                .contains("expected SHA-256", "delete it, and write shard 0 again (--part and --finish)");
    }

    private Process start(String part) throws IOException {
        return Outcome.builderInFull(temporary, "C.UTF-8", "dump", "--out", "out", "--part", part, "--threads", "1")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(temporary.resolve("err").toFile())
                .start();
    }

    /** Parts in random order, the first ones killed wherever they are, then two at a time on the same shards. */
    @Test
    void killedPartsAndTwinsEndUpTheSame() throws Exception {
        Random random = new Random(6);
        Path texts = temporary.resolve("texts.jsonl");
        Files.writeString(texts, "\"When Mary and John went to the store, John gave a drink to Mary.\"\n".repeat(900));
        Path whole = temporary.resolve("whole");
        Outcome.of(requestOf(texts.toString(), whole.toString(), "--layers", "0-3"))
                .succeeded();
        Outcome.of(requestOf(texts.toString(), out(), "--layers", "0-3", "--plan"))
                .succeeded();
        List<String> parts = new ArrayList<>(List.of("2/3", "0/3", "1/3"));
        int killed = 0;
        for (int run = 0; killed < 3 && run < 20; run++) {
            Process process = start(parts.get(run % 3));
            Path folder = temporary.resolve("out");
            int before = folder.toFile().list().length;
            while (process.isAlive() && folder.toFile().list().length == before) {
                Thread.sleep(2);
            }
            Thread.sleep(random.nextInt(80));
            process.destroyForcibly();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            killed += process.exitValue() == 137 ? 1 : 0;
            Map<String, byte[]> expected = files(whole, ".safetensors");
            files(folder, ".safetensors")
                    .forEach((name, bytes) -> assertThat(Arrays.equals(bytes, expected.get(name)))
                            .as(name)
                            .isTrue());
        }
        assertThat(killed).isPositive();
        Process twin = start("0/1");
        Process other = start("0/1");
        assertThat(twin.waitFor()).isZero();
        assertThat(other.waitFor()).isZero();
        finish("--verify").succeeded();
        assertSameShards(temporary.resolve("out"), whole);
        assertThat(files(temporary.resolve("out"), "").keySet()).noneMatch(name -> name.startsWith("."));
    }
}
