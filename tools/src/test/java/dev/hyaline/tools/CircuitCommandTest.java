package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
                        "Stability");
        assertThat(text.lines()).allMatch(line -> line.startsWith("Wrote") || line.length() <= 120);
        try (Stream<Path> files = Files.list(temporary.resolve("out"))) {
            assertThat(files.map(path -> path.getFileName().toString()).sorted())
                    .containsExactly(
                            "circuit.dot",
                            "circuit.json",
                            "circuit.png",
                            "circuit.svg",
                            "curve.csv",
                            "curve.png",
                            "curve.svg",
                            "edges.csv",
                            "graph.json");
        }
        assertThat(Files.readString(Path.of(file("out"), "circuit.svg")))
                .startsWith("<svg")
                .contains("a1.h3", "<path", "m0-&gt;a1.h3&lt;v&gt;: ");
        assertThat(Files.readString(Path.of(file("out"), "circuit.dot")))
                .startsWith("digraph circuit {")
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
        "random, counterfactual"
    })
    void everyMethodGivesACircuitWithItsTests(String method, String ablation) {
        JsonNode json = Outcome.of(
                        "circuit",
                        "--json",
                        "--count",
                        "2",
                        "--method",
                        method,
                        "--ablation",
                        ablation,
                        "--edges",
                        "40")
                .json();
        assertThat(json.get("edges_asked").asInt()).isEqualTo(40);
        assertThat(json.get("edges_of_graph").asInt()).isEqualTo(1519);
        assertThat(json.get("pairs_judged_on")).isNotEqualTo(json.get("pairs_found_on"));
        assertThat(json.get("model_files").get(0).get("sha256").asString()).hasSize(64);
        assertThat(json.at("/evaluation/faithfulness").asDouble()).isBetween(-0.5, 2.5);
        assertThat(json.at("/curves/1/scores").asString()).isEqualTo("random, seed 1");
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
        assertThat(temporary.resolve("out/.exact-effects.cells")).doesNotExist();
        assertThat(Outcome.of(arguments).exitCode()).isEqualTo(2);
    }

    @Test
    void acdcSearches() {
        JsonNode json = Outcome.of("circuit", "--json", "--count", "1", "--method", "acdc", "--tau", "2")
                .json();
        assertThat(json.get("method").asString()).isEqualTo("acdc, tau 2.0, logit-diff");
        assertThat(json.get("edges").size()).isBetween(1, 100);
    }

    @Test
    void methodsSideBySide() {
        JsonNode json =
                Outcome.of("circuit", "--json", "--compare", "--count", "1").json();
        assertThat(json.get("methods")).hasSize(8);
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
                "--method no | expected eap-ig or",
                "--steps 3 --method eap | --steps goes with",
                "--steps 0 | --steps must be from 1",
                "--rule left --method eap | --rule goes with",
                "--tau 1 | --tau goes with",
                "--method acdc --tau NaN | NaN",
                "--method acdc --edges 3 | --edges and --select",
                "--edges 0 | --edges must be at least 1",
                "--edges 1520 | the graph has 1519 edges",
                "--method eap --metric kl | take eap-ig",
                "--metric accuracy | accuracy",
                "--method clean-corrupted --ablation zero | counterfactual",
                "--evaluate no-such-file | no-such-file",
                "--known no-such-file | no-such-file",
                "--evaluate FILE --compare | --evaluate tests a circuit",
                "--compare --method eap | --compare takes every method",
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
