package dev.hyaline.analysis.graph;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** A node of the model's computation graph: a part that writes to the residual stream, or the logits. */
public sealed interface Node {
    /** The embeddings, token and position: what the residual stream begins with. */
    record InputNode() implements Node {
        @Override
        public String toString() {
            return "input";
        }
    }

    /** An attention head. */
    record Head(int layer, int head) implements Node {
        @Override
        public String toString() {
            return "a" + layer + ".h" + head;
        }
    }

    /** The MLP of a layer. */
    record Mlp(int layer) implements Node {
        @Override
        public String toString() {
            return "m" + layer;
        }
    }

    /** The final norm and the unembedding. */
    record LogitsNode() implements Node {
        @Override
        public String toString() {
            return "logits";
        }
    }

    static Node input() {
        return new InputNode();
    }

    static Node logits() {
        return new LogitsNode();
    }

    /** The hook point of its output, by which nodes are ordered as a pass computes them; heads of a layer share one. */
    default HookPoint point() {
        return switch (this) {
            case InputNode input -> HookPoint.of(Site.EMBED);
            case Head head -> HookPoint.of(Site.Z, head.layer);
            case Mlp mlp -> HookPoint.of(Site.MLP_OUT, mlp.layer);
            case LogitsNode logits -> HookPoint.of(Site.UNEMBED_OUT);
        };
    }

    /** Returns whether a pass computes it before another: heads of one layer are computed at once. */
    default boolean isBefore(Node other) {
        return point().compareTo(other.point()) < 0;
    }

    /**
     * The node's output to the residual stream, as the place to edit: a head's z, an MLP's output, the first residual
     * stream.
     *
     * @throws BadInputException for the logits, which write nothing
     */
    default Target output() {
        return switch (this) {
            case InputNode input -> Target.of(Site.RESID_PRE, 0);
            case Head head -> Target.of(Site.Z, head.layer).heads(head.head);
            case Mlp mlp -> Target.of(Site.MLP_OUT, mlp.layer);
            case LogitsNode logits -> throw new BadInputException("the node logits writes to no other");
        };
    }

    /**
     * Reads a name: {@code input}, {@code a5.h3}, {@code m0}, {@code logits}.
     *
     * @throws BadInputException if it is none, or the model has no such node
     */
    static Node parse(Gpt2Config config, String name) {
        Matcher matcher = Pattern.compile("a(0|[1-9]\\d{0,5})\\.h(0|[1-9]\\d{0,5})|m(0|[1-9]\\d{0,5})")
                .matcher(name);
        if (name.equals("input")) {
            return input();
        }
        if (name.equals("logits")) {
            return logits();
        }
        if (!matcher.matches()) {
            throw new BadInputException(
                    "'" + Printable.plain(name) + "' is not a node; nodes are input, a0.h0 (head 0 of layer 0), m0 (MLP"
                            + " of layer 0) and logits");
        }
        boolean head = matcher.group(1) != null;
        int layer = Integer.parseInt(head ? matcher.group(1) : matcher.group(3));
        if (layer >= config.nLayers() || (head && Integer.parseInt(matcher.group(2)) >= config.nHeads())) {
            throw new BadInputException("there is no node " + name + ": the model has " + config.nLayers()
                    + " layers of " + config.nHeads() + " heads");
        }
        return head ? new Head(layer, Integer.parseInt(matcher.group(2))) : new Mlp(layer);
    }

    /**
     * Reads the names of a set: {@code a1.h7+m0}.
     *
     * @throws BadInputException if one is no node, or the model has no such node
     */
    static List<Node> parseSet(Gpt2Config config, String names) {
        return Arrays.stream(names.split("\\+", -1))
                .map(name -> parse(config, name.strip()))
                .toList();
    }

    /** The model's heads that are in none of some sets of nodes. */
    static List<Node> headsBesides(Gpt2Config config, Collection<List<Node>> sets) {
        return IntStream.range(0, config.nLayers() * config.nHeads())
                .<Node>mapToObj(i -> new Head(i / config.nHeads(), i % config.nHeads()))
                .filter(head -> sets.stream().noneMatch(set -> set.contains(head)))
                .toList();
    }
}
