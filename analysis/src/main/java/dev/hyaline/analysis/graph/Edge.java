package dev.hyaline.analysis.graph;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;

/** The way from one node to another through the residual stream alone: {@code m0->a5.h3<q>}. */
public record Edge(Node sender, Receiver receiver) {
    private static final String ARROW = "->";

    public Edge {
        if (!sender.isBefore(receiver.node())) {
            throw new BadInputException(
                    "there is no edge " + sender + ARROW + receiver + ": " + sender + " is computed no earlier");
        }
    }

    /**
     * Reads a name.
     *
     * @throws BadInputException if it is none, or the model has no such nodes
     */
    public static Edge parse(Gpt2Config config, String name) {
        int arrow = name.indexOf(ARROW);
        if (arrow < 0) {
            throw new BadInputException(
                    "'" + Printable.plain(name) + "' is not an edge; edges are such as m0->a5.h3<q> or a5.h3->logits");
        }
        return new Edge(
                Node.parse(config, name.substring(0, arrow)),
                Receiver.parse(config, name.substring(arrow + ARROW.length())));
    }

    @Override
    public String toString() {
        return sender + ARROW + receiver;
    }
}
