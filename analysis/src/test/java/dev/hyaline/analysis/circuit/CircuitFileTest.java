package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of circuits, as strangers may have made them. */
final class CircuitFileTest {
    private static final Gpt2Config CONFIG =
            new Gpt2Config(2, 2, 4, 8, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    private static final String CFG =
            "\"cfg\": {\"n_layers\": 2, \"n_heads\": 2, \"parallel_attn_mlp\": false, \"d_model\": 4}";

    @TempDir
    private Path folder;

    private static GraphFile parse(String json) {
        return GraphFile.parse("g.json", json.getBytes(StandardCharsets.UTF_8), CONFIG);
    }

    @Test
    void everyFieldComesBack() {
        String json = "{" + CFG + ", \"nodes\": {\"input\": {\"in_graph\": true, \"score\": NaN, \"neurons\":"
                + " [true, false, true, true], \"neurons_scores\": [0.5, NaN, 1e-05, -2.0]}, \"a0.h1\": {\"in_graph\":"
                + " false, \"score\": 0.25}, \"logits\": {\"in_graph\": true}}, \"edges\": {\"input->a0.h1<q>\":"
                + " {\"score\": -0.00025, \"in_graph\": true}, \"m1->logits\": {\"score\": 1e+16, \"in_graph\":"
                + " false}}}";
        GraphFile graph = parse(json);
        assertThat(graph.json()).isEqualTo(json);
        assertThat(graph.circuit().edges()).map(Object::toString).containsExactly("input->a0.h1<q>");
        assertThat(graph.scores("file").of(Edge.parse(CONFIG, "m1->logits"))).isEqualTo(1e16);
        assertThat(graph.scores("file").of(Edge.parse(CONFIG, "m0->logits"))).isZero();
        assertThat(graph.nodes().values().iterator().next().neurons()).containsExactly(true, false, true, true);
        assertThat(graph.nodes().values())
                .extracting(GraphFile.NodeEntry::score)
                .contains(0.25);
    }

    /** Files that EAP-IG's own code wrote, as MIB's loader reads them. */
    @ParameterizedTest
    @ValueSource(strings = {"mib-scores", "mib-neurons"})
    void matricesAreTheSameGraph(String name) throws IOException {
        Path golden = Path.of("src/test/resources/golden/circuits");
        GraphFile matrices = GraphFile.read(golden.resolve(name + ".pt"), CONFIG);
        GraphFile json = GraphFile.read(golden.resolve(name + ".json"), CONFIG);
        assertThat(matrices.edges()).isEqualTo(json.edges());
        assertThat(matrices.nodes()).usingRecursiveComparison().isEqualTo(json.nodes());
        assertThat(matrices.circuit().size()).isEqualTo(name.equals("mib-scores") ? 9 : 0);
        assertThat(EdgeList.read(golden.resolve(name + ".pt"), CONFIG)).isEqualTo(matrices.circuit());
        assertThatThrownBy(() -> GraphFile.read(
                        golden.resolve(name + ".pt"),
                        new Gpt2Config(3, 2, 4, 8, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true)))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("\"n_layers\" is 2, but the model has 3");
        // A folder of MIB's has one file of scores.
        Files.copy(golden.resolve(name + ".pt"), folder.resolve("importances.pt"));
        assertThat(GraphFile.readScores(folder, CONFIG).values())
                .isEqualTo(matrices.scores(name).values());
        Files.copy(golden.resolve(name + ".json"), folder.resolve("importances.json"));
        assertThatThrownBy(() -> GraphFile.readScores(folder, CONFIG)).hasMessageContaining("found 2");
        Path unscored = Files.writeString(folder.resolve("unscored"), "{" + CFG + ", \"nodes\": {}, \"edges\": {}}");
        assertThatThrownBy(() -> GraphFile.readScores(unscored, CONFIG)).hasMessageContaining("scores no edge");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.0",
        "-0.0, -0.0",
        "1e7, 10000000.0",
        "1.5e-4, 0.00015",
        "1.5e-5, 1.5e-05",
        "1e-100, 1e-100",
        "1e15, 1000000000000000.0",
        "1e16, 1e+16",
        "1.25e22, 1.25e+22",
        "-0.027215598554056555, -0.027215598554056555"
    })
    void numbersAsPythonWritesThem(double value, String text) {
        assertThat(GraphFile.number(value)).isEqualTo(text);
        assertThat(Double.parseDouble(text)).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[] | expected a JSON object",
                "{} | \"cfg\"",
                "{CFG, \"edges\": {}} | \"nodes\"",
                "{CFG, \"nodes\": {}} | \"edges\"",
                "{CFG, \"nodes\": {}, \"edges\": []} | an object",
                "{CFG, \"nodes\": {\"a9.h0\": {\"in_graph\": true}}, \"edges\": {}} | there is no node a9.h0",
                "{CFG, \"nodes\": {\"x\": {\"in_graph\": true}}, \"edges\": {}} | 'x' is not a node",
                "{CFG, \"nodes\": {\"m0\": {}}, \"edges\": {}} | the node m0 to have \"in_graph\"",
                "{CFG, \"nodes\": {\"m0\": {\"in_graph\": 1}}, \"edges\": {}} | true or false",
                "{CFG, \"nodes\": {\"m0\": {\"in_graph\": true, \"score\": \"NaN\"}}, \"edges\": {}} | a finite number",
                "{CFG, \"nodes\": {\"m0\": {\"in_graph\": true, \"score\": Infinity}}, \"edges\": {}} | finite",
                "{CFG, \"nodes\": {\"m0\": {\"in_graph\": true, \"neurons\": [true]}}, \"edges\": {}} | d_model is 4",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m0\": {\"score\": 1, \"in_graph\": true}}} | no edge m0->m0",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->a1.h0\": {\"score\": 1, \"in_graph\": true}}} | no edge",
                "{CFG, \"nodes\": {}, \"edges\": {\"a0.h0->a0.h1<q>\": {\"score\": 1, \"in_graph\": true}}} | no"
                        + " earlier",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m1\": {\"score\": NaN, \"in_graph\": true}}} | m0->m1",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m1\": {\"score\": 1}}} | the edge m0->m1 to have \"in_graph\"",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m1\": {\"in_graph\": true}}} | to have \"score\"",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m1\": 3}} | m0->m1",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m1\": {\"score\": 1, \"in_graph\": true},"
                        + " \"m0->m1\": {\"score\": 1, \"in_graph\": true}}} | g.json",
                "{CFG, \"nodes\": {}, \"edges\": {}} more | g.json",
                "{CFG, \"nodes\": {\"m0\": {\"in_graph\": true}, \"m00\": {\"in_graph\": true}}, \"edges\": {}}"
                        + " | 'm00' is not a node",
                "{CFG, \"nodes\": {\"a00.h0\": {\"in_graph\": true}}, \"edges\": {}} | 'a00.h0' is not a node",
                "{CFG, \"nodes\": {\"a0.h01\": {\"in_graph\": true}}, \"edges\": {}} | 'a0.h01' is not a node",
                "{CFG, \"nodes\": {}, \"edges\": {\"m0->m01\": {\"score\": 1, \"in_graph\": true}}} | 'm01'",
                "{\"cfg\": {\"n_layers\": 3, \"n_heads\": 2, \"parallel_attn_mlp\": false, \"d_model\": 4},"
                        + " \"nodes\": {}, \"edges\": {}} | cfg.n_layers to be 2",
                "{\"cfg\": {\"n_layers\": 2, \"n_heads\": 2, \"parallel_attn_mlp\": true, \"d_model\": 4},"
                        + " \"nodes\": {}, \"edges\": {}} | parallel_attn_mlp",
                "{\"cfg\": {\"n_layers\": 2, \"n_heads\": 2, \"d_model\": 4}, \"nodes\": {}, \"edges\": {}} | parallel",
                "{\"cfg\": {\"n_layers\": 2.5}, \"nodes\": {}, \"edges\": {}} | integer"
            })
    void badGraphsAreRefused(String jsonAndWords) {
        String[] parts = jsonAndWords.replace("CFG", CFG).split(" \\| ", -1);
        assertThatThrownBy(() -> parse(parts[0]))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("g.json")
                .hasMessageContaining(parts[1]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"input->m0\n# no edge\n\n a0.h1->a1.h0<k> ", "Resid Start->MLP 0\nA0.1->A1.0.K", """
                blocks.0.hook_mlp_in[:] <- blocks.0.hook_resid_pre[:]
                blocks.1.hook_k_input[:, :, 0] <- blocks.0.attn.hook_result[:, :, 1]
                blocks.1.attn.hook_k[:, :, 0] <- blocks.1.hook_k_input[:, :, 0]\
                """, """
                    ('blocks.0.hook_mlp_in', (None,), 'blocks.0.hook_resid_pre', (None,))
                    ('blocks.1.hook_k_input', (None, None, 0), 'blocks.0.attn.hook_result', (None, None, 1))\
                    """, """
                        blocks.0.hook_resid_pre -> blocks.0.hook_mlp_in
                        blocks.0.attn.hook_result[:, :, 1] -> blocks.1.hook_k_input[:, :, 0]\
                        """})
    void listsOfEdges(String text) {
        assertThat(EdgeList.parse("list.txt", text, CONFIG).edges())
                .map(Object::toString)
                .containsExactly("input->m0", "a0.h1->a1.h0<k>");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                " | expected edges, one a line, found none",
                "# nothing | found none",
                "input | 'input' is not an edge",
                "input->m0;m0->m1 | list.txt:1",
                "input->m0~~input->m0 | the edge input->m0 is there twice",
                "input->m0~~m7->logits | list.txt:2: there is no node m7",
                "MLP 0->A1.0 | does not say whether queries, keys or values",
                "A0.0.Q->MLP 1 | writes to no other node",
                "MLP 0->Resid Start | list.txt:1",
                "m0->a1.h0 | no edge m0->a1.h0",
                "Resid Start->MLP 00 | 'Resid Start' is not a node",
                "A00.1->A1.0.K | 'A00.1' is not a node",
                "blocks.00.hook_mlp_in[:] <- blocks.0.hook_resid_pre[:] | list.txt:1",
                "blocks.0.hook_mlp_in[:] | expected an edge between two",
                "blocks.1.hook_q_input[:] <- blocks.0.hook_mlp_out[:] | expected a head",
                "blocks.1.hook_mlp_in[:] <- blocks.1.hook_resid_pre[:] | the residual stream of layer 1 is no node",
                "blocks.0.hook_resid_post[:] <- blocks.0.hook_mlp_out[:] | the residual stream of layer 0 is no node"
            })
    void badListsAreRefused(String textAndWords) {
        String[] parts = textAndWords.replace("~~", "\n").split(" \\| ", -1);
        assertThatThrownBy(() -> EdgeList.parse("list.txt", parts[0], CONFIG))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(parts[1]);
    }

    @Test
    void aFileIsReadAsWhatItIs() throws IOException {
        Circuit circuit =
                Circuit.of(CONFIG, List.of(Edge.parse(CONFIG, "input->m0"), Edge.parse(CONFIG, "m0->logits")));
        double[] scores = new double[circuit.graphSize()];
        Arrays.setAll(scores, e -> e / 8.0);
        GraphFile graph = GraphFile.of(circuit, EdgeScores.of(CONFIG, "count", scores));
        graph.write(folder.resolve("graph.json"));
        Files.writeString(folder.resolve("list.txt"), "input->m0\nm0->logits\n");
        Files.writeString(folder.resolve("circuit.json"), " {\"edges\": [{\"edge\": \"input->m0\"}, \"m0->logits\"]}");
        for (String name : List.of("graph.json", "list.txt", "circuit.json")) {
            assertThat(EdgeList.read(folder.resolve(name), CONFIG)).as(name).isEqualTo(circuit);
        }
        assertThat(GraphFile.read(folder.resolve("graph.json"), CONFIG)
                        .scores("count")
                        .values())
                .isEqualTo(scores);
        Files.writeString(folder.resolve("other.json"), "{\"a\": 1}");
        assertThatThrownBy(() -> EdgeList.read(folder.resolve("other.json"), CONFIG))
                .hasMessageContaining("other.json")
                .hasMessageContaining("found neither");
        assertThatThrownBy(() -> EdgeList.read(folder.resolve("none.json"), CONFIG))
                .hasMessageContaining("none.json");
    }
}
