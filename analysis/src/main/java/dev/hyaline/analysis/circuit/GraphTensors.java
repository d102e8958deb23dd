package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.graph.Receiver.HeadInput;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.weights.TensorFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * EAP-IG's graph as matrices {@code [senders, receivers]}, in a file of {@code torch.save}. Receivers go by layer: the
 * queries of its heads, the keys, the values, the MLP; the logits are last.
 */
final class GraphTensors {
    private static final String SCORES = "edges_scores";
    private static final String KEPT = "edges_in_graph";
    private static final String NODES_KEPT = "nodes_in_graph";
    private static final String NODE_SCORES = "nodes_scores";
    private static final String NEURONS = "neurons_in_graph";
    private static final String NEURON_SCORES = "neurons_scores";

    private final TensorFile file;
    private final Gpt2Config config;
    private final GraphIndex index;
    private final int senders;

    private GraphTensors(TensorFile file, Gpt2Config config) {
        this.file = file;
        this.config = config;
        index = new GraphIndex(config);
        senders = index.senders().size();
    }

    /** Returns whether a file may be one: a zip archive, or a pickle. */
    static boolean isOne(byte[] content) {
        return content.length > 1 && ((content[0] == 'P' && content[1] == 'K') || content[0] == (byte) 0x80);
    }

    static GraphFile read(Path path, Gpt2Config config) {
        try (TensorFile file = TensorFile.open(path)) {
            return new GraphTensors(file, config).graph();
        }
    }

    private GraphFile graph() {
        requireSize("n_layers", config.nLayers());
        requireSize("n_heads", config.nHeads());
        requireSize("d_model", config.dModel());
        List<Receiver> receivers = receivers();
        float[] scores = floats(SCORES, senders, receivers.size());
        boolean[] kept = flags(KEPT, senders, receivers.size());
        Map<Edge, GraphFile.EdgeEntry> edges = new LinkedHashMap<>();
        for (Edge edge : index.edges()) {
            int at = index.sender(edge.sender()) * receivers.size() + receivers.indexOf(edge.receiver());
            if (!Float.isFinite(scores[at])) {
                throw new BadInputException(file.label() + ": the score of the edge " + edge + " is " + scores[at]);
            }
            edges.put(edge, new GraphFile.EdgeEntry(scores[at], kept[at]));
        }
        return new GraphFile(config, nodes(), edges);
    }

    private List<Receiver> receivers() {
        List<Receiver> receivers = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (HeadInput part : List.of(HeadInput.Q, HeadInput.K, HeadInput.V)) {
                for (int head = 0; head < config.nHeads(); head++) {
                    receivers.add(new Receiver(new Node.Head(layer, head), part));
                }
            }
            receivers.add(Receiver.of(new Node.Mlp(layer)));
        }
        receivers.add(Receiver.of(Node.logits()));
        return receivers;
    }

    private Map<Node, GraphFile.NodeEntry> nodes() {
        int d = config.dModel();
        boolean[] kept = flags(NODES_KEPT, senders);
        float[] scores = file.has(NODE_SCORES) ? floats(NODE_SCORES, senders) : new float[0];
        boolean[] neurons = file.has(NEURONS) ? flags(NEURONS, senders, d) : new boolean[0];
        float[] neuronScores = file.has(NEURON_SCORES) ? floats(NEURON_SCORES, senders, d) : new float[0];
        Map<Node, GraphFile.NodeEntry> nodes = new LinkedHashMap<>();
        for (int s = 0; s < senders; s++) {
            nodes.put(
                    index.senders().get(s),
                    new GraphFile.NodeEntry(
                            kept[s],
                            scores.length == 0 ? null : (double) scores[s],
                            row(neurons, s, d),
                            row(neuronScores, s, d)));
        }
        nodes.put(Node.logits(), GraphFile.NodeEntry.of(true));
        return nodes;
    }

    private static boolean @Nullable [] row(boolean[] matrix, int row, int width) {
        if (matrix.length == 0) {
            return null;
        }
        boolean[] values = new boolean[width];
        System.arraycopy(matrix, row * width, values, 0, width);
        return values;
    }

    private static double @Nullable [] row(float[] matrix, int row, int width) {
        if (matrix.length == 0) {
            return null;
        }
        double[] values = new double[width];
        for (int i = 0; i < width; i++) {
            values[i] = matrix[row * width + i];
        }
        return values;
    }

    private void requireSize(String key, int expected) {
        double found = file.number("cfg." + key)
                .orElseThrow(() -> new BadInputException(
                        file.label() + ": expected a graph whose \"cfg\" has \"" + key + "\", found none"));
        if (found != expected) {
            throw new BadInputException(
                    file.label() + ": \"" + key + "\" is " + (long) found + ", but the model has " + expected);
        }
    }

    private float[] floats(String tensor, int... shape) {
        requireShape(tensor, shape);
        return file.floats(tensor);
    }

    /** Flags, which EAP-IG keeps as booleans, or as floats where nodes have neurons. */
    private boolean[] flags(String tensor, int... shape) {
        requireShape(tensor, shape);
        boolean[] flags;
        if (file.isFloat(tensor)) {
            float[] values = file.floats(tensor);
            flags = new boolean[values.length];
            for (int i = 0; i < flags.length; i++) {
                flags[i] = values[i] != 0;
            }
        } else {
            byte[] values = file.bytes(tensor);
            flags = new boolean[values.length];
            for (int i = 0; i < flags.length; i++) {
                flags[i] = values[i] != 0;
            }
        }
        return flags;
    }

    private void requireShape(String tensor, int... shape) {
        List<Long> expected = new ArrayList<>();
        for (int size : shape) {
            expected.add((long) size);
        }
        if (!file.shape(tensor).equals(expected)) {
            throw new BadShapeException(
                    file.label() + ": " + tensor,
                    expected.toString(),
                    file.shape(tensor).toString());
        }
    }
}
