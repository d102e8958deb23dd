package dev.hyaline.analysis.graph;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.edit.Target;
import java.util.Locale;

/**
 * A place where a node reads the residual stream: {@code a5.h3<q>}, {@code a5.h3} (queries, keys and values alike),
 * {@code m0}, {@code logits}.
 *
 * @param part which input of a head; {@link HeadInput#ALL} of any other node
 */
public record Receiver(Node node, HeadInput part) {
    /** Inputs of a head. */
    public enum HeadInput {
        Q(Site.Q_INPUT),
        K(Site.K_INPUT),
        V(Site.V_INPUT),
        ALL(Site.ATTN_IN);

        private final Site site;

        HeadInput(Site site) {
            this.site = site;
        }
    }

    public Receiver {
        if (node instanceof Node.InputNode) {
            throw new BadInputException("the node input reads from no other");
        }
        if (!(node instanceof Node.Head) && part != HeadInput.ALL) {
            throw new BadInputException(node + " has no queries, keys or values to read for");
        }
    }

    /** A node's whole input. */
    public static Receiver of(Node node) {
        return new Receiver(node, HeadInput.ALL);
    }

    /**
     * Reads a name.
     *
     * @throws BadInputException if it is none, or the model has no such node
     */
    public static Receiver parse(Gpt2Config config, String name) {
        if (name.endsWith("<q>") || name.endsWith("<k>") || name.endsWith("<v>")) {
            HeadInput part = HeadInput.valueOf(
                    name.substring(name.length() - 2, name.length() - 1).toUpperCase(Locale.ROOT));
            return new Receiver(Node.parse(config, name.substring(0, name.length() - 3)), part);
        }
        return of(Node.parse(config, name));
    }

    /** The place to edit. */
    public Target input(Gpt2Config config) {
        return switch (node) {
            case Node.Head head -> Target.of(part.site, head.layer()).heads(head.head());
            case Node.Mlp mlp -> Target.of(Site.MLP_IN, mlp.layer());
            case Node.LogitsNode logits -> Target.of(Site.RESID_POST, config.nLayers() - 1);
            case Node.InputNode input -> throw new AssertionError();
        };
    }

    /** The residual stream that is read there. */
    public HookPoint residual(Gpt2Config config) {
        return node.point().boundaryBefore(config).orElseThrow().points(config).getLast();
    }

    @Override
    public String toString() {
        return part == HeadInput.ALL
                ? node.toString()
                : node + "<" + part.name().toLowerCase(Locale.ROOT) + ">";
    }
}
