package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.hyaline.analysis.circuit.AttributionGraph.FeatureNode;
import dev.hyaline.analysis.circuit.AttributionGraph.Link;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AttributionGraphTest {
    private static final Gpt2Config CONFIG =
            new Gpt2Config(2, 2, 4, 8, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);

    /** As circuit-tracer's models write it. */
    private static final String TRACED = """
        {
          "metadata": {"slug": "dallas", "scan": "gemma-2-2b", "transcoder_list": ["a/b", "c"],
            "prompt_tokens": ["<bos>", "Dallas"], "prompt": "<bos>Dallas", "node_threshold": 0.8, "schema_version": 1},
          "qParams": {"pinnedIds": ["0_7_1"], "supernodes": [["Texas", "0_7_1", "0_-1_1"]], "linkType": "both",
            "clickedId": "", "sg_pos": ""},
          "nodes": [
            {"node_id": "E_9_1", "feature": 1, "layer": "E", "ctx_idx": 1, "feature_type": "embedding",
              "token_prob": 0.0, "is_target_logit": false, "run_idx": 0, "reverse_ctx_idx": 0,
              "jsNodeId": "E_9-1", "clerp": "", "influence": 0.25, "activation": null},
            {"node_id": "0_7_1", "feature": 35, "layer": "0", "ctx_idx": 1, "feature_type": "cross layer transcoder",
              "token_prob": 0.0, "is_target_logit": false, "run_idx": 0, "reverse_ctx_idx": 0,
              "jsNodeId": "0_7-0", "clerp": "", "influence": 0.5, "activation": 3.25},
            {"node_id": "0_-1_1", "feature": -1, "layer": "0", "ctx_idx": 1,
              "feature_type": "mlp reconstruction error", "jsNodeId": "0_-1-1"},
            {"node_id": "27_5_1", "feature": 5, "layer": "27", "ctx_idx": 1, "feature_type": "logit",
              "token_prob": 0.4375, "is_target_logit": true, "run_idx": 0, "reverse_ctx_idx": 0,
              "jsNodeId": "L_5-1", "clerp": "Output \\"Austin\\" (p=0.438)", "influence": null, "activation": null}
          ],
          "links": [
            {"source": "E_9_1", "target": "0_7_1", "weight": 0.30000000000000004},
            {"source": "0_7_1", "target": "27_5_1", "weight": -1.5}
          ]
        }
        """;

    @TempDir
    private Path folder;

    private static AttributionGraph parse(String json) {
        return AttributionGraph.parse("g.json", json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aTracedGraphIsReadAndWrittenAgain() throws IOException {
        AttributionGraph graph = parse(TRACED);
        assertThat(graph.tokens()).containsExactly("<bos>", "Dallas");
        assertThat(graph.nodeThreshold()).isEqualTo(0.8);
        assertThat(graph.nodes().get(1))
                .isEqualTo(new FeatureNode(
                        "0_7_1", "0", 35, 1, AttributionGraph.FEATURE, "", 0, false, 0.5, 3.25, "0_7-0"));
        assertThat(graph.nodes().get(2).influence()).isNull();
        assertThat(graph.nodes().get(3).target()).isTrue();
        assertThat(graph.links()).element(0).isEqualTo(new Link("E_9_1", "0_7_1", 0.1 + 0.2));
        assertThat(graph.supernodes()).containsExactly(List.of("Texas", "0_7_1", "0_-1_1"));
        Path file = folder.resolve("g.json");
        graph.write(file);
        assertThat(AttributionGraph.read(file)).isEqualTo(graph);
        assertThat(Files.readAllBytes(file)).isEqualTo(graph.json());
    }

    @Test
    void aCircuitIsAGraphOfOneColumn() {
        Circuit circuit = Circuit.of(
                CONFIG,
                List.of(
                        Edge.parse(CONFIG, "input->a0.h1<q>"),
                        Edge.parse(CONFIG, "input->a0.h1<v>"),
                        Edge.parse(CONFIG, "a0.h1->m1"),
                        Edge.parse(CONFIG, "m1->logits")));
        double[] values = new double[circuit.graphSize()];
        List<Edge> all = Circuit.full(CONFIG).edges();
        for (int e = 0; e < values.length; e++) {
            values[e] = e + 0.5;
        }
        EdgeScores scores = EdgeScores.of(CONFIG, "m", values);
        AttributionGraph graph = AttributionGraph.of(circuit, scores, "task", "model");
        assertThat(graph.nodes())
                .extracting(FeatureNode::id, FeatureNode::label, FeatureNode::kind)
                .containsExactly(
                        tuple("E_0_0", "input", "embedding"),
                        tuple("0_1_0", "a0.h1", "attention head"),
                        tuple("1_2_0", "m1", "mlp"),
                        tuple("3_0_0", "logits", "logit"));
        double queriesAndValues = values[all.indexOf(Edge.parse(CONFIG, "input->a0.h1<q>"))]
                + values[all.indexOf(Edge.parse(CONFIG, "input->a0.h1<v>"))];
        assertThat(graph.links())
                .hasSize(3)
                .contains(new Link("E_0_0", "0_1_0", queriesAndValues))
                .contains(new Link("1_2_0", "3_0_0", values[all.indexOf(Edge.parse(CONFIG, "m1->logits"))]));
        assertThat(AttributionGraph.parse("again", graph.json())).isEqualTo(graph);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"links\": [ | \"other\": [ | the nodes and links of a graph of circuit-tracer",
                "\"source\": \"E_9_1\" | \"source\": \"E_8_1\" | \"E_8_1\", which is not there",
                "\"node_id\": \"0_7_1\" | \"node_id\": \"E_9_1\" | two nodes \"E_9_1\"",
                "\"ctx_idx\": 1, \"feature_type\": \"embedding\" | \"ctx_idx\": -1, \"feature_type\": \"embedding\" |"
                        + " ctx_idx to be an integer from 0",
                "\"weight\": -1.5 | \"weight\": NaN | weight to be a finite number",
                "\"metadata\" | \"other\" | metadata"
            })
    void aFaultIsNamedWithItsPlace(String from, String to, String told) {
        assertThat(TRACED).contains(from.strip());
        assertThatThrownBy(() -> parse(TRACED.replace(from.strip(), to.strip())))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("g.json")
                .hasMessageContaining(told.strip());
    }
}
