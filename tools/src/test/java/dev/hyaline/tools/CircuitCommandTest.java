package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
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

/** The command that finds circuits and tests them. */
final class CircuitCommandTest {
    @TempDir
    private Path temporary;

    private String file(String name) {
        return temporary.resolve(name).toString();
    }

    @Test
    void findsTestsAndWritesACircuit() throws IOException {
        String text = Outcome.of("circuit", "--count", "4", "--out", file("out"))
                .succeeded()
                .out();
        assertThat(text)
                .contains(
                        "4 pairs to find the circuit, 4 others to judge it",
                        "Circuit by eap-ig of 5 steps",
                        "counterfactual ablation, input = tokens",
                        "a1.h3",
                        "input->m0",
                        "95 % interval",
                        "the model without it",
                        "CPR",
                        "CMD",
                        "random, seed 1",
                        "the circuit differs from the model",
                        "what is left depends on the model's metric",
                        "sufficient: nearer to the model than random ones",
                        "necessary: missed more than random ones",
                        "minimal: edges that matter more than random ones",
                        "complete: without what leaves",
                        "random halves",
                        "found greedily",
                        "MLPs",
                        "Stability");
        assertThat(text.lines()).allMatch(line -> line.startsWith("Wrote") || line.length() <= 120);
        try (Stream<Path> files = Files.list(temporary.resolve("out"))) {
            assertThat(files.map(path -> path.getFileName().toString()).sorted())
                    .containsExactly(
                            "circuit-tracer.json",
                            "circuit.dot",
                            "circuit.json",
                            "circuit.png",
                            "circuit.svg",
                            "curve.csv",
                            "curve.png",
                            "curve.svg",
                            "edges.csv",
                            "graph.json",
                            "made.json",
                            "nodes.csv");
        }
        assertThat(Files.readString(Path.of(file("out"), "circuit.svg")))
                .startsWith("<svg")
                .contains("a1.h3", "<path", "m0-&gt;a1.h3&lt;v&gt;: ");
        assertThat(Files.readString(Path.of(file("out"), "circuit.dot")))
                .containsOnlyOnce("\ndigraph circuit {")
                .contains("\"input\" -> \"m0\" [color=\"#555555\"");
        assertThat(Files.readString(Path.of(file("out"), "edges.csv")))
                .startsWith("edge,score,in_circuit,exact_effect,low,high\n")
                .hasLineCount(1520);
        assertThat(Files.readString(Path.of(file("out"), "curve.csv"))).hasLineCount(41);
        Outcome again = Outcome.of("circuit", "--out", file("out"));
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("exists already", "--force");

        // What was written is the same circuit when read again.
        JsonNode found = json("out/graph.json", "--count", "4");
        JsonNode own = json("out/circuit.json", "--count", "4");
        assertThat(found.at("/edges").size()).isEqualTo(own.at("/edges").size()).isGreaterThan(20);
        assertThat(found.at("/evaluation")).isEqualTo(own.at("/evaluation"));
        assertThat(own.at("/claims/completeness_by_role/MLPs/edges").asInt()).isPositive();
        assertThat(own.at("/claims/completeness_of_random_sets/largest_distance")
                        .asDouble())
                .isGreaterThanOrEqualTo(own.at("/claims/completeness_of_random_sets/mean_distance")
                        .asDouble());
        // So many random edges that one which exceeds all of them counts.
        assertThat(own.at("/claims/minimality_p/m0->a1.h3<v>").asDouble()).isLessThan(0.05);

        // Scores from a file, or from MIB's folder of one, give the circuit that they were written with.
        Files.createDirectories(temporary.resolve("ioi_fable"));
        Files.copy(temporary.resolve("out/graph.json"), temporary.resolve("ioi_fable/importances.json"));
        JsonNode scored = Outcome.of("circuit", "--json", "--count", "4", "--draws", "0", "--scores", file("ioi_fable"))
                .json();
        assertThat(scored.at("/evaluation")).isEqualTo(own.at("/evaluation"));
        assertThat(scored.get("method").asString()).endsWith("importances.json");
        Files.writeString(temporary.resolve("known.txt"), "input->m0\nMLP 0->A1.3.V\n");
        JsonNode known = Outcome.of(
                        "circuit", "--json", "--count", "2", "--method", "eap", "--known", file("known.txt"))
                .json();
        assertThat(known.at("/known_circuit/auroc_absolute").asDouble()).isGreaterThan(0.99);
    }

    private JsonNode json(String circuit, String... more) {
        return Outcome.of(Stream.concat(Stream.of("circuit", "--json", "--evaluate", file(circuit)), Stream.of(more))
                        .toArray(String[]::new))
                .json();
    }

    @ParameterizedTest
    @CsvSource({
        "eap, counterfactual",
        "eap, zero",
        "ig-activations, mean-positional",
        "eap-ig-activations, resample",
        "clean-corrupted, counterfactual",
        "information-flow, counterfactual",
        "eap-denoising, counterfactual",
        "mask-gradient, mean",
        "subnetwork-probing, counterfactual",
        "ugs, zero",
        "edge-pruning, counterfactual",
        "random, counterfactual"
    })
    void everyMethodGivesACircuitWithItsTests(String method, String ablation) {
        boolean learned = List.of("subnetwork-probing", "ugs", "edge-pruning").contains(method);
        List<String> arguments = new ArrayList<>(List.of(
                "circuit", "--json", "--count", "2", "--method", method, "--ablation", ablation, "--edges", "40"));
        arguments.addAll(List.of("--draws", "0"));
        if (learned) {
            arguments.addAll(List.of("--steps", "2"));
        }
        JsonNode json = Outcome.of(arguments.toArray(String[]::new)).json();
        assertThat(json.get("claims").has("sufficiency_p")).isFalse();
        if (method.equals("ugs")) {
            assertThat(json.get("method").asString()).isEqualTo("ugs of 2 steps, rate 0.1, charge 0.001, seed 1");
        }
        assertThat(json.get("edges_asked").asInt()).isEqualTo(40);
        assertThat(json.get("edges_of_graph").asInt()).isEqualTo(1519);
        assertThat(json.get("pairs_judged_on")).isNotEqualTo(json.get("pairs_found_on"));
        assertThat(json.at("/evaluation/faithfulness").asDouble()).isBetween(-0.5, 2.5);
        assertThat(json.at("/curves/1/scores").asString()).isEqualTo("random, seed 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"atp", "atp-star", "hisp"})
    void nodesAreScoredWithTheirQueriesKeysPositionsAndNeurons(String method) throws IOException {
        JsonNode json = Outcome.of(
                        "circuit",
                        "--json",
                        "--count",
                        "2",
                        "--draws",
                        "0",
                        "--method",
                        method,
                        "--nodes",
                        "12",
                        "--out",
                        file(method))
                .json();
        assertThat(json.get("method").asString()).isEqualTo(method);
        assertThat(json.get("nodes").size()).isBetween(4, 13);
        assertThat(json.at("/evaluation/faithfulness").asDouble()).isGreaterThan(0.5);
        assertThat(json.get("heads")).hasSize(32);
        assertThat(json.at("/heads/11/head").asString()).isEqualTo("a1.h3");
        assertThat(json.at("/heads/11/v").asDouble()).isGreaterThan(3);
        Path out = Path.of(file(method));
        assertThat(Files.readString(out.resolve("nodes.csv")))
                .startsWith("node,score,in_circuit,q,q_fixed,k,k_fixed,v\ninput,")
                .hasLineCount(38);
        assertThat(Files.readString(out.resolve("neurons.csv"))).hasLineCount(1 + 4 * 512);
        assertThat(Files.readString(out.resolve("positions.csv")))
                .startsWith("pair,node,position,score\n0,a0.h0,0,")
                .contains("\n1,m3,14,");
    }

    @Test
    void iterativeAblationIsToldBothWays() {
        JsonNode json = Outcome.of(
                        "circuit",
                        "--json",
                        "--count",
                        "2",
                        "--draws",
                        "0",
                        "--method",
                        "iterative",
                        "--threshold",
                        "0.8",
                        "--order",
                        "logits")
                .json();
        JsonNode found = json.get("iterative_ablation");
        for (String way : List.of("single", "logits", "effect")) {
            assertThat(found.at("/" + way + "/essential").size()).as(way).isBetween(2, 30);
            assertThat(found.at("/" + way + "/without").asDouble()).isLessThan(0.8);
        }
        assertThat(found.at("/logits/sufficiency").asDouble()).isGreaterThanOrEqualTo(0.8);
        assertThat(found.get("necessity").size()).isEqualTo(36);
        assertThat(found.has("disputed")).isTrue();
        assertThat(json.get("nodes").size())
                .isEqualTo(found.at("/logits/essential").size() + 2);
        assertThat(Outcome.of("circuit", "--count", "2", "--draws", "0", "--method", "iterative")
                        .succeeded()
                        .out())
                .contains("from the logits", "kept alone", "without them", "order effect");
    }

    @Test
    void constantsThatHurtLeastCanBePutInPlace() {
        JsonNode json = Outcome.of(
                        "circuit",
                        "--json",
                        "--count",
                        "1",
                        "--draws",
                        "0",
                        "--method",
                        "eap",
                        "--ablation",
                        "optimal",
                        "--steps",
                        "2")
                .json();
        assertThat(json.get("ablation").asString()).isEqualTo("optimal, 2 steps by logit-diff");
    }

    @ParameterizedTest
    @CsvSource({"--min-score=1", "--nodes=8", "--select=greedy-absolute"})
    void circuitsAreSelectedInManyWays(String option) {
        JsonNode json = Outcome.of("circuit", "--json", "--count", "2", "--draws", "0", "--method", "eap", option)
                .json();
        assertThat(json.get("edges").size()).isPositive();
        assertThat(json.at("/stability/bootstrap_jaccard").asDouble()).isBetween(0.2, 1.0);
        if (option.startsWith("--min")) {
            assertThat(json.get("edges").valueStream())
                    .allMatch(edge -> edge.get("score").asDouble() >= 1);
        }
    }

    @Test
    void exactGoesOnWhereItWasStopped() throws IOException {
        String[] arguments = {
            "circuit", "--json", "--count", "1", "--method", "exact", "--clean=The capital of France is"
        };
        JsonNode exact = Outcome.of("circuit", "--json", "--count", "1", "--method", "exact", "--out", file("out"))
                .json();
        assertThat(exact.at("/curves/0/cpr").asDouble())
                .isGreaterThan(exact.at("/curves/1/cpr").asDouble());
        assertThat(exact.at("/edges/0/edge").asString()).isEqualTo("input->m0");
        assertThat(temporary.resolve("out/.circuit-scores.progress")).doesNotExist();
        assertThat(Outcome.of(arguments).exitCode()).isEqualTo(2);
    }

    @Test
    void acdcSearches() {
        JsonNode json = Outcome.of(
                        "circuit",
                        "--json",
                        "--count",
                        "1",
                        "--draws",
                        "0",
                        "--method",
                        "acdc",
                        "--tau",
                        "2",
                        "--out",
                        file("acdc"),
                        "--resume")
                .json();
        assertThat(json.get("method").asString()).isEqualTo("acdc, tau 2.0, logit-diff");
        assertThat(json.get("edges").size()).isBetween(1, 100);
        assertThat(temporary.resolve("acdc/.circuit-acdc.progress")).doesNotExist();
        JsonNode work = json.get("acdc");
        assertThat(work.get("tested").asInt()).isBetween(json.get("edges").size(), 1519);
        assertThat(work.get("closest_decision").asDouble()).isPositive();
        assertThat(work.get("multiply_adds").asLong())
                .isPositive()
                .isLessThan(work.get("multiply_adds_of_full_reruns").asLong());
    }

    @Test
    void methodsSideBySide() {
        JsonNode json =
                Outcome.of("circuit", "--json", "--compare", "--count", "1").json();
        assertThat(json.get("methods")).hasSize(9);
        assertThat(json.at("/methods/0/spearman").asDouble()).isCloseTo(1, within(1e-12));
        List<String> names = json.get("methods")
                .valueStream()
                .map(method -> method.get("method").asString())
                .toList();
        assertThat(names).startsWith("exact", "eap", "eap-ig of 5 steps").endsWith("random, seed 1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--method no | expected eap-ig,",
                "--steps 3 --method eap | --steps goes with",
                "--steps 0 | --steps must be from 1",
                "--rule left --method eap | --rule goes with",
                "--tau 1 | --tau and --absolute go with",
                "--method acdc --tau NaN | --tau must be a number of at least 0, found NaN",
                "--method acdc --tau -1 | --tau must be a number of at least 0, found -1",
                "--method acdc --edges 3 | --edges, --nodes, --min-score and --select",
                "--method iterative --nodes 3 | keeps what it does not leave out",
                "--threshold 0.5 | --threshold and --order go with",
                "--method iterative --threshold Infinity | --threshold must be a finite number",
                "--absolute | --tau and --absolute go with",
                "--edges 3 --nodes 2 | give one of them",
                "--nodes 38 --method eap | the graph has 37 nodes",
                "--nodes 0 | --nodes must be at least 1",
                "--min-score NaN | --min-score must be a finite number",
                "--charge 1 | --charge goes with",
                "--method ugs --charge -1 | --charge must be at least 0",
                "--draws -1 | --draws must be from 0",
                "--resume | --resume goes on from what is kept in the folder of --out",
                "--method edge-pruning --nodes 3 | closes all but --edges",
                "--method atp --metric kl | take eap-ig",
                "--edges 0 | --edges must be at least 1",
                "--edges 1520 | the graph has 1519 edges",
                "--method eap --metric kl | take eap-ig",
                "--metric accuracy | accuracy",
                "--method clean-corrupted --ablation zero | counterfactual",
                "--evaluate no-such-file | no-such-file",
                "--known no-such-file | no-such-file",
                "--evaluate FILE --compare | --evaluate tests a circuit",
                "--compare --method eap | --compare takes every method",
                "--scores FILE --method eap | --scores stands in place of --method",
                "--scores FILE --compare | --scores stands in place of --method",
                "--scores no-such-file | no-such-file",
                "--evaluate FILE | FILE:1",
                "--known FILE | FILE:1"
            })
    void badUsageIsToldInASentence(String argumentsAndWords) throws IOException {
        Path bad = Files.writeString(temporary.resolve("bad.txt"), "no edge\n");
        String[] parts = argumentsAndWords.replace("FILE", bad.toString()).split(" \\| ", -1);
        Outcome outcome = Outcome.of(("circuit --count 1 " + parts[0]).split(" ", -1));
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err()).contains(parts[1]).doesNotContain("Exception");
    }
}
