package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What components do together, and whether a finding stays the same: {@code ablate --sets} and {@code robustness}. */
final class FindingCommandsTest {
    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {"robustness", "hierarchy", "doctor", "ablate"})
    void helpHasExamplesAndFitsTheScreen(String command) {
        String help = Outcome.of(command, "--help").succeeded().out();
        assertThat(help).contains("Usage: hyaline", "  hyaline " + command).doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void interactionsAndShapleyValues() throws IOException {
        String out = temporary.resolve("out").toString();
        String[] command = {
            "ablate", "--sets", "a1.h0,a1.h3,a2.h4+a2.h6", "--interactions", "--shapley", "--count", "6", "--out", out
        };
        String text = Outcome.of(command).succeeded().out();
        assertThat(text)
                .contains("a1.h0 x a1.h3", "a1.h3 x a2.h4+a2.h6", "Shapley values, ablation (zero)")
                .containsPattern("Conservation: all together are worth [0-9.]+; the sum of the values"
                        + " differs by [0-9.e-]+ of that");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        assertThat(Path.of(out, "interactions.csv")).exists();
        assertThat(Path.of(out, "shapley.json")).exists();
        assertThat(Files.readString(Path.of(out, "shapley-interactions.csv"))).contains("\na1.h0 x a1.h3,");
        assertThat(Outcome.of(command).err()).contains("exists already");
        JsonNode json = Outcome.of("ablate", "--sets", "a1.h0,a1.h3", "--shapley", "--alone", "--count", "2", "--json")
                .succeeded()
                .json();
        double sum = json.at("/shapley/mean")
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .sum();
        assertThat(sum).isCloseTo(json.get("whole").asDouble(), within(1e-9));
        double f =
                sum / (json.get("all_heads").asDouble() - json.get("no_heads").asDouble());
        assertThat(json.get("share_of_all_heads").asDouble()).isCloseTo(f, within(1e-9));
        JsonNode shares = Outcome.of(
                        "ablate",
                        "--sets",
                        "a1.h0,a1.h3",
                        "--shapley",
                        "--alone",
                        "--normalise",
                        "--count",
                        "2",
                        "--json")
                .succeeded()
                .json();
        assertThat(shares.at("/shapley/mean")
                        .valueStream()
                        .mapToDouble(JsonNode::asDouble)
                        .sum())
                .isCloseTo(f, within(1e-9));
        assertThat(json.get("sum_error").asDouble()).isLessThan(1e-9);
    }

    /** As processes of their own: the file that one command writes is what the other reads. */
    @Test
    void aWrittenFindingIsTested() {
        String found = temporary.resolve("found").toString();
        Outcome.of("ablate", "--how", "mean-overall", "--count", "8", "--out", found)
                .succeeded();
        String text = Outcome.of("robustness", "--count", "8", "--finding", found + "/ablate-z.json")
                .succeeded()
                .out();
        assertThat(text)
                .contains("others of the task", "without the first token", "bfloat16 weights", "probability difference")
                .contains("While {IO} and {S1} were at", "of seed 2", "after a sentence", "mean by position")
                .contains("8 pairs, Ablation (mean over the clean prompts) of z by logit difference")
                .containsPattern("(robust|uncertain|fragile)  score 0\\.[0-9]+, 95% interval 0\\.[0-9]+ to 0\\.[0-9]+");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        Outcome other = Outcome.of("robustness", "ablate-mean", "--count", "6", "--finding", found + "/ablate-z.json");
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.err())
                .contains("is not what ablate-mean finds on these pairs: 32 of 32 effects differ, most that of a");
    }

    /** Tables of other axes than layers and heads, repeated without naming a method. */
    @ParameterizedTest
    @CsvSource({
        "patch --positions S2|end, resid_pre, 'Activation patching, resid_pre, denoising'",
        "attribute, attribution-head, Direct logit attribution by head",
        "lens, lens, Logit lens",
        "attribute --by position, attribution-position, Direct logit attribution by head and source position",
        "attribute --by layer --at S2, attribution-layer, Direct logit attribution by layer",
        "ablate --sets a1.h3|a2.h4 --interactions --normalise, interactions, 'Interactions, ablation (zero)'",
        "ablate --sets a1.h3|a2.h4 --shapley --alone, shapley, 'Shapley values, ablation (zero)'",
        "patch --edges a1.h3->a2.h4<q>|m0->a1.h3<k>, edges-matrix, 'Path patching of edges, denoising'",
    })
    void anyTableIsAFinding(String command, String table, String title) {
        Path folder = temporary.resolve("any");
        List<String> made = new ArrayList<>(List.of(command.replace('|', ',').split(" ")));
        made.addAll(List.of("--count", "4", "--out", folder.toString()));
        Outcome.of(made.toArray(String[]::new)).succeeded();
        JsonNode json = Outcome.of(
                        "robustness",
                        "--count",
                        "4",
                        "--replicates",
                        "5",
                        "--json",
                        "--finding",
                        folder.resolve(table + ".json").toString())
                .succeeded()
                .json();
        assertThat(json.get("method").asString()).isEqualTo(title);
        assertThat(json.get("families").propertyNames())
                .contains("prompts", "templates", "seed", "length", "beginning");
    }

    /** Of prompts that are no pairs, and of edges, whose circuit is kept alone. */
    @Test
    void headsAndCircuitsAreFindings() {
        String folder = temporary.resolve("any").toString();
        Outcome.of("heads", "--draws", "8", "--length", "6", "--out", folder).succeeded();
        String heads = Outcome.of("robustness", "--finding", folder + "/heads.json", "--replicates", "20")
                .succeeded()
                .out();
        assertThat(heads)
                .contains("8 prompts, Attention heads by where they look", "prompts of ioi-abba")
                .contains("12 tokens, twice", "other draws of the same tokens", "without the first token")
                .containsPattern("(robust|uncertain|fragile)  score 0\\.[0-9]+, 95% interval 0\\.[0-9]+ to 0\\.[0-9]+")
                .doesNotContain("units");
        JsonNode json = Outcome.of("robustness", "--finding", folder + "/entropy.json", "--replicates", "5", "--json")
                .succeeded()
                .json();
        assertThat(json.get("method").asString()).isEqualTo("Entropy of attention");
        assertThat(json.get("n").asInt()).isEqualTo(8);
        assertThat(json.has("metric")).isFalse();
        Outcome with = Outcome.of("robustness", "ablate", "--finding", folder + "/heads.json");
        assertThat(with.err()).contains("heads.json is a table of heads, which is repeated without pairs");
        assertThat(with.exitCode()).isEqualTo(2);
        Outcome.of("circuit", "--method", "eap", "--draws", "0", "--count", "4", "--out", folder)
                .succeeded();
        JsonNode circuit = Outcome.of(
                        "robustness",
                        "--finding",
                        folder + "/circuit.json",
                        "--count",
                        "4",
                        "--replicates",
                        "5",
                        "--json")
                .succeeded()
                .json();
        assertThat(circuit.get("method").asString()).isEqualTo("eap");
        assertThat(circuit.get("variations").get(0).get("faithfulness").isNumber())
                .isTrue();
        assertThat(Outcome.of("robustness", "--finding", folder + "/graph.json", "--count", "4")
                        .err())
                .contains("graph.json does not say how its edges were scored");
    }

    /** A circuit of a few edges, and the model's own weights as another checkpoint. */
    @Test
    void aCircuitIsTestedUnderVariations() throws IOException {
        Path circuit = temporary.resolve("edges.txt");
        Files.writeString(circuit, "input->m0\nm0->a1.h3<v>\na1.h3->a2.h4<q>\ninput->a2.h4<v>\na2.h4->logits\n");
        String text = Outcome.of(
                        "robustness",
                        "ablate-mean",
                        "--count",
                        "6",
                        "--circuit",
                        circuit.toString(),
                        "--checkpoint",
                        "fable",
                        "--replicates",
                        "20")
                .succeeded()
                .out();
        assertThat(text)
                .containsPattern("family +variation +score +ranking +signs +set +effect +f")
                .containsPattern("checkpoint +fable( +1\\.000){5}")
                .contains("the other order of names", "resample");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        Outcome other = Outcome.of(
                "robustness",
                "ablate",
                "--count",
                "6",
                "--circuit",
                temporary.resolve("none").toString());
        assertThat(other.err()).contains("none");
        assertThat(other.exitCode()).isNotZero();
    }

    @Test
    void aBehaviourTakenApart() {
        String text = Outcome.of("hierarchy", "--task", "ioi-abba", "--count", "8", "--smallest", "0.3")
                .succeeded()
                .out();
        assertThat(text).contains("attention 1", "heads and MLPs", "1.3", "taken apart");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        JsonNode json = Outcome.of("hierarchy", "--task", "ioi-abba", "--count", "4", "--smallest", "0.9", "--json")
                .succeeded()
                .json();
        assertThat(json.get("levels").get(0).get("name").asString()).isEqualTo("behaviour");
        assertThat(json.get("end").asString()).isNotBlank();
    }

    @Test
    void robustnessAsJson() throws IOException {
        Path file = temporary.resolve("pairs.json");
        StringBuilder pairs = new StringBuilder();
        String[] names = {"Anna", "Mary", "John", "Adam", "Vera", "Mark", "Paul", "Jane"};
        for (int i = 0; i < 8; i++) {
            String a = names[i];
            String b = names[(i + 1) % 8];
            String c = names[(i + 3) % 8];
            String text = i % 2 == 0
                    ? "When %s and %s went to the store, %s gave a drink to"
                    : "Then %s and %s went to the park, and %s passed a cup to";
            pairs.append(i == 0 ? "" : ",\n")
                    .append("{\"clean\": \"" + text.formatted(a, b, b) + "\", \"corrupted\": \""
                            + text.formatted(a, b, a) + "\", \"answer\": \" " + a + "\", \"distractor\": \" " + b
                            + "\", \"unit\": \"" + c + "\", \"stratum\": \"template " + i % 2 + "\"}");
        }
        Files.writeString(file, "[" + pairs + "]");
        JsonNode json = Outcome.of("robustness", "patch", "--pairs", file.toString(), "--replicates", "20", "--json")
                .succeeded()
                .json();
        assertThat(json.get("families").propertyNames()).contains("prompts", "strata", "metric", "precision");
        assertThat(json.findValuesAsString("name")).contains("first half", "second half", "only template 0");
        assertThat(json.get("score").asDouble()).isBetween(0.0, 1.0);
        assertThat(json.get("interval_low").asDouble())
                .isLessThanOrEqualTo(json.get("interval_high").asDouble());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "ablate --interactions | --sets",
                "ablate --sets a1.h0 --interactions | an interaction is of two sets of nodes, found 1",
                "ablate --sets a1.h0,a1.h3 --alone | --alone needs --shapley",
                "ablate --sets a1.h0,a1.h3 --shapley --html page.html | --html shows effects one by one",
                "circuit --compare --html page.html | --method, --out and --html go without it",
                "robustness nonsense | expected ablate",
                "robustness | robustness needs a METHOD, or a --finding that says what made it",
                "robustness ablate --count 3 | at least 4 pairs of prompts, found 3",
                "robustness ablate --smallest 0 | --smallest must be above 0 and at most 1, found 0.0",
                "robustness ablate --replicates 0 | --replicates must be from 1 to 100000, found 0",
                "robustness ablate --finding /nowhere.json | /nowhere.json",
                "robustness ablate --out x | --out writes tables",
                "hierarchy --smallest 2 | --smallest must be above 0 and at most 1, found 2.0",
                "hierarchy --alpha 0 | --alpha must lie between 0 and 1, found 0.0",
                "hierarchy --ablation nothing | expected zero, mean",
                "hierarchy --out x | --out writes tables",
            })
    void whatCannotBeIsOneSentence(String arguments, String message) {
        Outcome outcome = Outcome.of(arguments.split(" "));
        assertThat(outcome.err()).startsWith("hyaline: ").contains(message).doesNotContain("\tat ", "Exception");
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.exitCode()).isIn(1, 2);
    }
}
