package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Node;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the senders of one run of one prompt have: z of a head, the output of an MLP, the embeddings; and what each of
 * them writes to the residual stream, formed when it is first asked for. Values of a run that goes on from another are
 * the other's until they are recorded. Not thread-safe.
 */
final class NodeValues {
    private final GraphIndex index;
    private final OutputWeights weights;
    private final int length;
    private final @Nullable NodeValues base;
    /**
     * By sender, {@code [tokens, dHead or dModel]}; an entry is null until it is recorded, in which case there is a
     * base.
     */
    private final float[][] own;
    /** By head, {@code [tokens, dModel]}. */
    private final float[][] written;
    /** By head, the positions whose rows of {@link #written} are there. */
    private final BitSet[] there;

    /**
     * Values of a run.
     *
     * @param own by sender, {@code [tokens, dHead or dModel]}
     */
    NodeValues(GraphIndex index, OutputWeights weights, int length, float[][] own) {
        this(index, weights, length, null, own);
    }

    private NodeValues(GraphIndex index, OutputWeights weights, int length, @Nullable NodeValues base, float[][] own) {
        this.index = index;
        this.weights = weights;
        this.length = length;
        this.base = base;
        this.own = own;
        written = new float[own.length][];
        there = new BitSet[own.length];
    }

    /** Values of a run that differs from this from somewhere on. */
    NodeValues continued() {
        return new NodeValues(index, weights, length, this, new float[own.length][]);
    }

    int length() {
        return length;
    }

    private float[] values(int sender) {
        float[] values = own[sender];
        return values != null ? values : Objects.requireNonNull(base).values(sender);
    }

    private int width(int sender) {
        return index.senders().get(sender) instanceof Node.Head
                ? index.config().dHead()
                : index.config().dModel();
    }

    /** Records what a sender has at a position. */
    void record(int sender, int position, float[] values) {
        if (own[sender] == null) {
            own[sender] = values(sender).clone();
        }
        System.arraycopy(values, 0, own[sender], position * width(sender), values.length);
        if (there[sender] != null) {
            there[sender].clear(position);
        }
    }

    /** Returns whether a sender has the same bits in another run, the signs of zeros apart. */
    boolean same(NodeValues other, int sender, int position) {
        int width = width(sender);
        int from = position * width;
        return Arrays.equals(values(sender), from, from + width, other.values(sender), from, from + width);
    }

    /** The first position at which a sender has other values in another run; the length if there is none. */
    int firstDifference(NodeValues other, int sender) {
        for (int position = 0; position < length; position++) {
            if (!same(other, sender, position)) {
                return position;
            }
        }
        return length;
    }

    /** A copy of what a sender has at a position, before its output matrix. */
    float[] row(int sender, int position) {
        int width = width(sender);
        return Arrays.copyOfRange(values(sender), position * width, (position + 1) * width);
    }

    /** What a sender writes, {@code [tokens, dModel]}, of which the row of a position is there. */
    float[] written(int sender, int position) {
        if (!(index.senders().get(sender) instanceof Node.Head head)) {
            return values(sender);
        }
        if (own[sender] == null) {
            return Objects.requireNonNull(base).written(sender, position);
        }
        int d = index.config().dModel();
        if (written[sender] == null) {
            written[sender] = new float[length * d];
            there[sender] = new BitSet(length);
        }
        if (!there[sender].get(position)) {
            weights.write(
                    head.layer(),
                    head.head(),
                    own[sender],
                    position * index.config().dHead(),
                    written[sender],
                    position * d);
            there[sender].set(position);
        }
        return written[sender];
    }
}
