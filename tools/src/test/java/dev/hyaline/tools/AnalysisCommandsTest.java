package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The commands of causal analysis, in this JVM. */
final class AnalysisCommandsTest {
    private static final String PAIR = "--clean=The capital of France is|--corrupted=The capital of Italy is"
            + "|--answer= Paris|--distractor= Rome";

    @TempDir
    private Path temporary;

    private String out() {
        return temporary.resolve("out").toString();
    }

    private List<String> written() throws IOException {
        try (Stream<Path> files = Files.list(temporary.resolve("out"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"patch", "ablate", "circuit", "lens", "attribute", "heads", "sanity"})
    void helpHasExamplesAndFitsTheScreen(String command) {
        String help = Outcome.of(command, "--help").succeeded().out();
        assertThat(help).contains("Usage: hyaline", "  hyaline " + command).doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    /** A number that the model or the pairs do not have is told before weights are loaded or a folder is made. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "patch --what resid_pre --positions 99 | there is no position 99: positions run from 0 to 14",
                "patch --edges m9->logits | there is no node m9",
                "patch --edges m00->logits | 'm00' is not a node",
                "patch --heads-to a9.h0<q> | a9.h0",
                "ablate --layers 99 | there is no layer 99: layers run from 0 to 3",
                "ablate --site post --neurons 99999999 | there is no neuron 99999999",
                "ablate --positions 77 | there is no position 77",
                "ablate --sets m99 | there is no node m99",
                "attribute --at nowhere | there is no role nowhere",
                "circuit --edges 2000000000 | the graph has 1519 edges, found 2000000000"
            })
    void numbersThatThereAreNotLeaveNothing(String line, String message) {
        List<String> arguments = new ArrayList<>(List.of(line.split(" ", -1)));
        arguments.addAll(List.of("--out", out()));
        Outcome outcome = Outcome.of(arguments.toArray(String[]::new));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err().lines()).hasSize(1);
        assertThat(outcome.err()).contains(message);
        assertThat(Path.of(out())).doesNotExist();
    }

    @Test
    void patchShowsWhereTheNameIs() throws IOException {
        String text =
                Outcome.of("patch", "--count", "2", "--out", out()).succeeded().out();
        assertThat(text)
                .contains("Activation patching, resid_pre, denoising", "mean over 2", "full reruns take", "IO", "S2");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        assertThat(written()).containsExactly("resid_pre.csv", "resid_pre.json", "resid_pre.png", "resid_pre.svg");
        assertThat(Files.readString(Path.of(out(), "resid_pre.csv")))
                .startsWith("layer,position,mean,standard_error,")
                .contains("\n0,10 S2,");
        Outcome again = Outcome.of("patch", "--out", out());
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("exists already", "--force");
        Outcome.of("patch", "--count", "1", "--out", out(), "--force").succeeded();
    }

    @Test
    void ablateSaysWhatStandsOutByWhichTest() {
        String text = Outcome.of("ablate", "--count", "12").succeeded().out();
        assertThat(text)
                .contains("95% interval", "adjusted", "units in 12", "p: two-sided sign flip of units")
                .contains("*: adjusted p (Benjamini-Hochberg, 32 cells) at most 0.1", "interval: 95%");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        assertThat(text).containsPattern("2 +4 .*-[0-9.]+ +-[0-9.]+ to -[0-9.]+ .*\\*");
    }

    @Test
    void headsHaveAnIntervalAndP() {
        String text = Outcome.of("heads", "--draws", "6").succeeded().out();
        assertThat(text)
                .contains("95% interval")
                .containsPattern(
                        "1\\.0 +current-token +[0-9.]+ +± [0-9.]+ +[0-9.]+ +[0-9.]+ to [0-9.]+ +0\\.031\\d +0\\.0[34]")
                .contains("6 units in 6", "two-sided sign flip of units, each against uniform attention")
                .contains("head  entropy  of ln n  largest  keys above 0.100  half within");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        JsonNode json =
                Outcome.of("heads", "--draws", "6", "--json").succeeded().json();
        assertThat(json.get("units").intValue()).isEqualTo(6);
        assertThat(json.get("units_known").booleanValue()).isTrue();
        JsonNode head = json.get("heads").get(8);
        assertThat(head.get("effect").asDouble())
                .isLessThan(head.get("score").asDouble())
                .isBetween(
                        head.get("interval_low").asDouble(),
                        head.get("interval_high").asDouble());
        assertThat(head.get("p").asDouble()).isEqualTo(1 / 32.0);
        assertThat(head.get("adjusted_p").asDouble()).isGreaterThan(1 / 32.0);
        assertThat(head.get("effect_size").asDouble()).isPositive();
        String given = Outcome.of("heads", "--prompt", "Mary and John", "--prompt", "Tom saw Anna and")
                .succeeded()
                .out();
        assertThat(given).contains("units unknown: each of the 2 counts as one");
    }

    /** What a reviewer asks for is in what the command prints, without a look at any file. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "patch --what attn_head_out_all_pos --count 6",
                "ablate --count 6",
                "heads --draws 6",
                "attribute --count 6",
                "lens --count 6",
            })
    void jsonCarriesTheStatisticsOfEachCell(String command) {
        JsonNode json =
                Outcome.of((command + " --json").split(" ", -1)).succeeded().json();
        boolean heads = json.has("heads");
        JsonNode tests = heads ? json : json.at("/table/statistics");
        assertThat(tests.get("n").intValue()).isEqualTo(6);
        assertThat(tests.get("units").intValue()).isBetween(2, 6);
        assertThat(tests.get("units_known").booleanValue()).isTrue();
        assertThat(tests.get("test").asString()).isEqualTo("two-sided sign flip of units");
        assertThat(tests.get("adjustment").asString()).isEqualTo("Benjamini-Hochberg over the cells");
        assertThat(tests.get("interval").asString()).startsWith("95%, ");
        int cells = heads ? json.get("heads").size() : json.at("/table/mean").size();
        int withAll = 0;
        for (int cell = 0; cell < cells; cell++) {
            List<Double> figures = new ArrayList<>();
            for (String name : List.of("effect", "interval_low", "interval_high", "p", "adjusted_p", "effect_size")) {
                JsonNode figure = heads
                        ? json.get("heads").get(cell).get(name)
                        : tests.get(name).get(cell);
                figures.add(figure.isNull() ? Double.NaN : figure.asDouble());
            }
            if (figures.stream().allMatch(Double::isFinite)) {
                withAll++;
                assertThat(figures.get(0)).isBetween(figures.get(1), figures.get(2));
                assertThat(figures.get(3)).isGreaterThan(0).isLessThanOrEqualTo(figures.get(4));
                assertThat(figures.get(4)).isLessThanOrEqualTo(1);
                assertThat(Math.signum(figures.get(5))).isEqualTo(Math.signum(figures.get(0)));
            }
        }
        assertThat(withAll).isGreaterThan(cells / 4);
    }

    @Test
    void aTitleHasTheThresholdAsItWasGiven() throws IOException {
        Outcome.of("heads", "--draws", "2", "--out", out()).succeeded();
        assertThat(Files.readString(Path.of(out(), "share-above.json")))
                .contains("\"title\":\"Keys with attention above 0.1\"");
    }

    @Test
    void sanityChecksAMethod() {
        Outcome passed = Outcome.of("sanity", "attribute", "--count", "12").succeeded();
        assertThat(passed.out())
                .contains("conservation", "shuffled labels", "passed")
                .doesNotContain("failed");
        assertThat(passed.out().lines()).allMatch(line -> line.length() <= 100);
    }

    /** The metric is that of the answer alone, which the corrupted prompts lower little. */
    @Test
    void aFailedCheckIsExitCode1() {
        Outcome failed = Outcome.of("sanity", "ablate", "--count", "12", "--metric", "logit", "--json");
        assertThat(failed.exitCode()).isEqualTo(1);
        assertThat(failed.out())
                .contains("\"name\":\"shuffled labels\",\"outcome\":\"failed\"")
                .contains("\"outcome\":\"passed\"");
        assertThat(Outcome.of("sanity", "ablate", "--out", "x").exitCode()).isEqualTo(2);
    }

    @Test
    void pairsOfAFileThatSaysNoUnitsAreSaidToBeUnknown() throws IOException {
        Path file = temporary.resolve("pairs.json");
        Files.writeString(file, """
            [{"clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 5, "distractor": 6},
             {"clean": [1, 7, 3], "corrupted": [1, 8, 3], "answer": 5, "distractor": 6}]
            """);
        assertThat(Outcome.of("attribute", "--pairs", file.toString())
                        .succeeded()
                        .out())
                .contains("units unknown: each of the 2 counts as one");
        JsonNode json = Outcome.of("lens", "--json", "--pairs", file.toString())
                .succeeded()
                .json();
        assertThat(json.get("table").get("statistics").get("units_known").booleanValue())
                .isFalse();
    }

    @Test
    void jsonHasTheTable() {
        JsonNode json = Outcome.of(
                        "patch",
                        "--json",
                        "--what",
                        "attn_head_out_all_pos",
                        "--normalise",
                        "--count",
                        "3",
                        "--noising")
                .json();
        assertThat(json.get("model").asString()).isEqualTo("fable");
        assertThat(json.at("/table/axes/1/labels")).hasSize(8);
        assertThat(json.at("/table/neutral").asDouble()).isEqualTo(1);
        assertThat(json.at("/table/values")).hasSize(32);
        assertThat(json.at("/table/values/0")).hasSize(3);
        assertThat(json.get("work").get("multiply_adds").asLong())
                .isPositive()
                .isLessThan(json.get("work").get("multiply_adds_of_full_reruns").asLong() / 2);
    }

    @Test
    void pairsAreWrittenOnTheCommandLineOrInAFile() throws IOException {
        String[] pair = ("patch|--json|" + PAIR).split("\\|");
        JsonNode written = Outcome.of(pair).json();
        // All that differs is the country, at position 4.
        assertThat(written.at("/table/mean/4").asDouble())
                .isCloseTo(written.get("clean").asDouble(), within(1e-9));
        Path file = temporary.resolve("pairs.json");
        Files.writeString(file, """
            {"template": "The capital of {country} is", "pairs": [
              {"clean": {"country": "France"}, "corrupted": {"country": "Italy"}, "answer": " Paris",
               "distractor": " Rome"}]}
            """);
        JsonNode read =
                Outcome.of("patch", "--json", "--pairs", file.toString()).json();
        assertThat(read.at("/table/mean")).isEqualTo(written.at("/table/mean"));
        JsonNode role = Outcome.of("patch", "--json", "--pairs", file.toString(), "--positions", "country,end")
                .json();
        assertThat(role.at("/table/mean/0")).isEqualTo(written.at("/table/mean/4"));
    }

    @Test
    void edgesComeAsListAndMatrix() throws IOException {
        String text = Outcome.of(
                        "patch",
                        "--edges",
                        "a2.h4->logits,input->a1.h7<v>,a2.h2->m3",
                        "--count",
                        "2",
                        "--noising",
                        "--out",
                        out())
                .succeeded()
                .out();
        assertThat(text).contains("a2.h4->logits", "input->a1.h7<v>");
        assertThat(written()).contains("edges.csv", "edges-matrix.svg", "edges.png");
        assertThat(Outcome.of("patch", "--heads-to", "logits", "--through", "m3", "--count", "1")
                        .succeeded()
                        .out())
                .contains("each head to logits through m3");
    }

    @ParameterizedTest
    @CsvSource({
        "--how zero --site mlp_out,Ablation (zero) of mlp_out",
        "--how mean-overall --site z --whole,mean over the clean prompts) of z",
        "--how resample --seed 3 --task pronouns,resample; seed 3",
        "--how noise --deviation 0.5 --site resid_post --by-position,noise of deviation 0.5",
        "--site mlp.post --layers 3 --neurons 0-9,of mlp.post",
        "--sets a2.h2+m0;a1.h7,a2.h2+m0",
    })
    void ablations(String arguments, String expected) {
        String[] words = ("ablate --count 2 " + arguments.replace(';', ',')).split(" ");
        assertThat(Outcome.of(words).succeeded().out()).contains(expected.replace(';', ','), "full reruns take");
    }

    @Test
    void lensOfPairsAndOfAPrompt() {
        assertThat(Outcome.of("lens", "--count", "2").succeeded().out()).contains("final_post", "Logit lens", "3_mid");
        String text = Outcome.of("lens", "--prompt", "The capital of France is")
                .succeeded()
                .out();
        assertThat(text).contains("\" Paris\" 100", "\" France\"");
        JsonNode json = Outcome.of("lens", "--json", "--prompt", "The capital of France is")
                .json();
        assertThat(json.at("/places/8/positions/5/0/text").asString()).isEqualTo(" Paris");
    }

    @Test
    void attributionAtPositions() {
        JsonNode axes = Outcome.of("attribute", "--by", "layer", "--count", "2", "--json", "--positions", "S2,end")
                .json()
                .at("/table/axes/0");
        assertThat(axes.toString()).contains("read at", "S2", "end");
        assertThat(Outcome.of("attribute", "--positions", "3-").err()).contains("--positions");
    }

    @ParameterizedTest
    @ValueSource(strings = {"head", "layer", "neuron", "position", "stream"})
    void attributionAddsUp(String by) {
        for (List<String> raw : List.of(List.<String>of(), List.of("--raw"))) {
            List<String> arguments = Stream.concat(
                            Stream.of("attribute", "--by", by, "--count", "2", "--json"), raw.stream())
                    .toList();
            JsonNode json = Outcome.of(arguments.toArray(String[]::new)).json();
            assertThat(json.at("/conservation/largest_error").asDouble()).isLessThan(1e-4);
        }
        assertThat(Outcome.of("attribute", "--by", by, "--count", "1")
                        .succeeded()
                        .out())
                .contains("Conservation: the whole is ", "sums differ");
    }

    @Test
    void theBiasIsARowInEveryForm() throws IOException {
        Outcome layers = Outcome.of("attribute", "--by", "layer", "--count", "1", "--out", out())
                .succeeded();
        assertThat(layers.out())
                .contains("\nbias ", "Conservation: the whole is the logit difference; sums differ from the whole");
        assertThat(Files.readString(Path.of(out(), "attribution-layer.csv"))).contains("\nbias,");
        assertThat(Files.readString(Path.of(out(), "attribution-layer.svg"))).contains(">bias<");
        JsonNode heads = Outcome.of("attribute", "--count", "1", "--json").json();
        assertThat(heads.at("/table/axes/1/labels/8").asString()).isEqualTo("bias");
        assertThat(heads.at("/conservation/whole").asString())
                .isEqualTo("what all attention adds to the logit difference");
        double sum = heads.at("/table/mean")
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .sum();
        JsonNode byLayer = Outcome.of("attribute", "--by", "layer", "--count", "1", "--json")
                .json();
        double attention = 0;
        for (int layer = 0; layer < 4; layer++) {
            attention += byLayer.at("/table/mean/" + (2 + 2 * layer)).asDouble();
        }
        assertThat(sum).isCloseTo(attention, within(1e-4));
        assertThat(Outcome.of("attribute", "--by", "stream", "--count", "1").out())
                .contains("Direct logit attribution along the residual stream")
                .doesNotContain("Logit lens");
    }

    @Test
    void tablesThatWereCutOffAreFinishedByTheSameCommand() throws IOException {
        String[] command = {"attribute", "--by", "layer", "--count", "1", "--out", out()};
        Outcome.of(command).succeeded();
        // A run that was killed between the table and its picture leaves this.
        Files.delete(Path.of(out(), "attribution-layer.png"));
        Files.createFile(Path.of(out(), ".attribution-layer.tables"));
        Outcome.of(command).succeeded();
        assertThat(written())
                .containsExactly(
                        "attribution-layer.csv",
                        "attribution-layer.json",
                        "attribution-layer.png",
                        "attribution-layer.svg");
        assertThat(Outcome.of(command).err()).contains("exists already");
    }

    @Test
    void headsAreNamed() throws IOException {
        String text = Outcome.of("heads", "--out", out()).succeeded().out();
        assertThat(text).contains("induction 2.2 2.3 2.4 2.6", "duplicate-token 2.1", "previous-token 1.7");
        assertThat(text)
                .contains("Patterns on these sequences and prompts of ioi-abba, by score")
                .containsPattern("\nduplicate-token +2\\.1 +[0-9.]+ +± [0-9.]+ +[0-9.]+ +[0-9.]+\n")
                .containsPattern("mixed [0-9]+ of 32 heads");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        assertThat(written())
                .contains("heads.svg", "entropy.csv", "distances.json", "share-above.png", "half-distance.csv");
        assertThat(Outcome.of("heads", "--prompt", "Mary and John").succeeded().out())
                .contains("1 prompt");
        JsonNode json =
                Outcome.of("heads", "--json", "--draws", "2", "--seed", "4").json();
        assertThat(json.at("/heads")).hasSize(32);
        assertThat(json.at("/heads/17/kind").asString()).isEqualTo("duplicate-token");
        assertThat(json.at("/heads/17/pattern/type").asString()).isEqualTo("duplicate-token");
        assertThat(json.at("/heads/17/pattern/excess").asDouble()).isBetween(0.3, 1.0);
        assertThat(json.at("/heads/18/pattern/type").asString()).isNotEqualTo("induction");
    }

    @Test
    void aColouredTableHasTheSameFigures() {
        InputStream nothing = new ByteArrayInputStream(new byte[0]);
        String plain = Outcome.of("ablate", "--count", "1").out();
        String coloured =
                Outcome.reading(nothing, true, "ablate", "--count", "1").out();
        assertThat(coloured).contains("\u001B[38;5;16;48;2;");
        assertThat(coloured.replaceAll("\u001B\\[[0-9;]*m", "")).isEqualTo(plain);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "patch --what resid | --what': expected resid_pre,",
                "patch --what mlp_out --edges all | exclude each other",
                "patch --through m0 | --through needs --heads-to",
                "patch --what attn_head_out_all_pos --positions 3 | --positions needs activations that are patched by"
                        + " position",
                "patch --positions 99 | there is no position 99",
                "patch --positions S3 | there is no role S3",
                "patch --edges m0 | --edges: 'm0' is not an edge",
                "patch --edges m3->m0 | --edges: there is no edge m3->m0",
                "patch --heads-to a9.h0 | --heads-to: there is no node a9.h0",
                "patch --heads-to a0.h0 | no head is computed before",
                "patch --task nonsense | expected ioi-abba,",
                "patch --count 0 | --count: the number of pairs must be from 1 to 100000, found 0",
                "patch --count 2000000000 | --count: the number of pairs must be from 1 to 100000, found 2000000000",
                "heads --draws 2000000000 | --draws must be from 1 to 100000, found 2000000000",
                "patch --task capitals --pairs x.json | --task, --pairs and --clean exclude each other",
                "patch --clean a --count 3 | --count and --seed draw pairs for a task",
                "patch --clean a | a pair needs --clean, --corrupted and --answer",
                "patch --clean a --corrupted b --answer Xylophon | --answer: 'Xylophon' is",
                "patch --metric loss | --metric: expected logit-diff,",
                "patch --at S5 | there is no role S5",
                "patch --model nowhere | nowhere",
                "ablate --site resid | unknown hook point",
                "ablate --site resid_pre,z | --site takes one site",
                "ablate --layers 9 | there is no layer 9",
                "ablate --deviation 2 | --deviation needs --how noise",
                "ablate --how noise --deviation -1 | the standard deviation of noise",
                "ablate --sets m9 | --sets: there is no node m9",
                "ablate --sets logits | the node logits writes to no other",
                "ablate --neurons 0-9 --site pattern | has no components",
                "ablate --how mean-overall --site pattern | take the mean by position",
                "attribute --by nothing | expected head,",
                "heads --prompt a --draws 3 | draw prompts, but prompts are given",
                "heads --draws 0 | --draws must be from 1 to 100000, found 0",
                "heads --length 900 | there are",
                "heads --threshold 2 | the threshold of a head's score must be from 0 to 1",
                "heads --above 1 | the threshold of attention",
            })
    void whatCannotBeIsOneSentence(String arguments, String message) {
        Outcome outcome = Outcome.of(arguments.split(" "));
        assertThat(outcome.err()).startsWith("hyaline: ").contains(message).doesNotContain("\tat ", "Exception");
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.exitCode()).isIn(1, 2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "patch --count 2 | the 3 of 60 cells farthest from | layer",
                "ablate --count 2 | the 3 of 32 cells farthest from | layer",
                "attribute --count 2 | the 3 of 36 cells farthest from | layer",
                "lens --count 2 | the 3 of 9 cells farthest from | residual stream"
            })
    void onlyTheLargestEffectsOfALongTable(String line, String expected, String axis) {
        List<String> arguments = new ArrayList<>(List.of(line.strip().split(" ", -1)));
        arguments.addAll(List.of("--top", "3"));
        String text = Outcome.of(arguments.toArray(String[]::new)).succeeded().out();
        assertThat(text).contains(expected);
        assertThat(text.lines()
                        .dropWhile(row -> !row.startsWith(axis))
                        .skip(1)
                        .takeWhile(row -> !row.contains("units")))
                .hasSize(3);
        arguments.add("--json");
        JsonNode json = Outcome.of(arguments.toArray(String[]::new)).json();
        assertThat(json.get("top")).hasSize(3);
        assertThat(json.at("/top/0/0").asString()).startsWith(axis + " ");
        assertThat(json.at("/table/mean").size()).isGreaterThan(3);
    }

    @Test
    void onlyTheHighestOfTheHeads() {
        String text = Outcome.of("heads", "--top", "2").succeeded().out();
        assertThat(text).contains("2.4   induction", "2.6   induction").doesNotContain("0.0   first-token");
        assertThat(Outcome.strings(
                        Outcome.of("heads", "--top", "2", "--json").json().get("top")))
                .containsExactly("2.4", "2.6");
    }

    @Test
    void tablesOfEditsShowWhatTheyChange() {
        String text = Outcome.of("ablate", "--count", "2", "--site", "mlp.post", "--layers", "3", "--neurons", "0-9")
                .succeeded()
                .out();
        assertThat(text)
                .containsPattern("differences from 1\\d\\.\\d, the value without the edit")
                .containsPattern("-?\\de-\\d")
                .doesNotContain("0.000 ");
        String normalised =
                Outcome.of("ablate", "--count", "2", "--normalise").succeeded().out();
        assertThat(normalised).doesNotContain("differences from").contains("clean = 1, corrupted = 0");
    }

    @Test
    void weightsAreProcessedForEveryAnalysis() {
        String[] attribute = {"attribute", "--count", "2", "--json"};
        JsonNode usual = Outcome.of(attribute).json();
        List<String> processed = new ArrayList<>(List.of(attribute));
        processed.addAll(List.of("--process", "all"));
        assertThat(Outcome.of(processed.toArray(String[]::new)).json()).isEqualTo(usual);
        processed.set(processed.size() - 1, "fold_ln");
        JsonNode folded = Outcome.of(processed.toArray(String[]::new)).json();
        assertThat(folded.at("/table/mean")).isNotEqualTo(usual.at("/table/mean"));
        double plain = Outcome.of("patch", "--count", "1", "--json")
                .json()
                .get("clean")
                .asDouble();
        double all = Outcome.of("patch", "--count", "1", "--json", "--process", "all")
                .json()
                .get("clean")
                .asDouble();
        assertThat(all).isNotEqualTo(plain).isCloseTo(plain, within(1e-3));
    }
}
