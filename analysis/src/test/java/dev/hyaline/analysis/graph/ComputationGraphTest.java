package dev.hyaline.analysis.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ComputationGraphTest {
    private static final Gpt2Config GPT2 = Gpt2Config.gpt2Small();

    @Test
    void gpt2SmallHasAsManyAsTheFieldCounts() {
        ComputationGraph graph = new ComputationGraph(GPT2);
        assertThat(graph.senders()).hasSize(157).doesNotHaveDuplicates();
        List<Edge> edges = graph.edges();
        assertThat(edges).hasSize(32491).doesNotHaveDuplicates();
        assertThat(edges).contains(Edge.parse(GPT2, "m0->a5.h5<q>"), Edge.parse(GPT2, "a3.h1->m3"));
        assertThat(edges).extracting(Edge::toString).contains("input->a0.h0<v>", "a11.h11->m11", "m11->logits");
    }

    @Test
    void namesAreReadBack() {
        for (Edge edge : new ComputationGraph(GPT2).edges().subList(0, 3000)) {
            assertThat(Edge.parse(GPT2, edge.toString())).isEqualTo(edge);
        }
        assertThat(Edge.parse(GPT2, "a3.h1->a4.h0").receiver().part()).isEqualTo(Receiver.HeadInput.ALL);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "m0 | is not an edge",
                "m0->m0 | there is no edge m0->m0",
                "m1->m0 | is computed no earlier",
                "a1.h0->a1.h1<q> | is computed no earlier",
                "logits->m0 | there is no edge",
                "m0->input | the node input reads from no other",
                "m0->m1<q> | m1 has no queries",
                "x->m0 | 'x' is not a node",
                "a12.h0->logits | there is no node a12.h0: the model has 12 layers of 12 heads",
                "a0.h12->logits | there is no node a0.h12",
                "m12->logits | there is no node m12",
                "a0.h0<q>->logits | is not a node",
            })
    void whatIsNoEdgeIsRefused(String name, String message) {
        assertThatThrownBy(() -> Edge.parse(GPT2, name))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(message);
    }
}
