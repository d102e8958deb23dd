package dev.hyaline.analysis.graph;

import dev.hyaline.engine.config.Gpt2Config;
import java.util.ArrayList;
import java.util.List;

/**
 * A model as nodes that read from and add to the residual stream: {@code input}, heads {@code a{l}.h{h}}, MLPs
 * {@code m{l}} and {@code logits}. GPT-2 small has 157 nodes that write and 32,491 edges, a head reading by three: for
 * its queries, keys and values.
 */
public record ComputationGraph(Gpt2Config config) {
    /** The nodes that write, in the order in which a pass computes them. */
    public List<Node> senders() {
        List<Node> senders = new ArrayList<>();
        senders.add(Node.input());
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (int head = 0; head < config.nHeads(); head++) {
                senders.add(new Node.Head(layer, head));
            }
            senders.add(new Node.Mlp(layer));
        }
        return List.copyOf(senders);
    }

    /** The places where nodes read, in the order in which a pass computes them. */
    public List<Receiver> receivers() {
        List<Receiver> receivers = new ArrayList<>();
        for (Node node : senders()) {
            switch (node) {
                case Node.Head head -> {
                    receivers.add(new Receiver(head, Receiver.HeadInput.Q));
                    receivers.add(new Receiver(head, Receiver.HeadInput.K));
                    receivers.add(new Receiver(head, Receiver.HeadInput.V));
                }
                case Node.Mlp mlp -> receivers.add(Receiver.of(mlp));
                case Node.InputNode input -> {}
                case Node.LogitsNode logits -> throw new AssertionError();
            }
        }
        receivers.add(Receiver.of(Node.logits()));
        return List.copyOf(receivers);
    }

    /** Every edge, sender by sender. */
    public List<Edge> edges() {
        List<Edge> edges = new ArrayList<>();
        List<Receiver> receivers = receivers();
        for (Node sender : senders()) {
            for (Receiver receiver : receivers) {
                if (sender.isBefore(receiver.node())) {
                    edges.add(new Edge(sender, receiver));
                }
            }
        }
        return List.copyOf(edges);
    }
}
