package dev.hyaline.instrument.hook;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.List;

/**
 * The live values of one hook point, row by row. A row is what one token has there; at sites with heads it is the
 * values of all heads, one after the other, and {@link #row(int, int, int)} is those of one head. At attention maps
 * there is a row for each head and query: its keys from position 0 up to the query.
 *
 * <p>Positions are absolute, past tokens counted; negative ones count from the end of the sequence. A view and its rows
 * are good until the hook's function returns.
 */
public final class ActivationView {
    private final HookPoint point;
    private final Activation activation;
    private final Hook hook;
    private final Writes writes;
    private final boolean maps;
    /** 0 at sites without heads. */
    private final int heads;

    private boolean ended;

    ActivationView(Gpt2Config config, HookPoint point, Activation activation, Hook hook, Writes writes) {
        this.point = point;
        this.activation = activation;
        this.hook = hook;
        this.writes = writes;
        this.maps = point.site().shape() == Site.Shape.ATTENTION;
        this.heads = point.site().shape().byHead() ? config.nHeads() : 0;
    }

    /** The hook point: TransformerLens's {@code hook.name} and {@code hook.layer()}. */
    public HookPoint point() {
        return point;
    }

    /** The number of sequences in the pass. */
    public int sequences() {
        return activation.sequences();
    }

    /** The number of heads; 0 at sites without heads. */
    public int heads() {
        return heads;
    }

    /** The positions of a sequence that the pass has rows for, ascending. */
    public int[] positions(int sequence) {
        requireLive();
        int first = firstRow(sequence);
        int[] positions = new int[activation.firstRow(sequence + 1) - first];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = activation.position(first + i);
        }
        return positions;
    }

    /** At the logits, the token of each column if only some were asked for; otherwise empty. */
    public int[] columns() {
        return activation.columns();
    }

    /**
     * The values of one token, {@code [width]} or {@code [heads, width]}.
     *
     * @throws BadInputException if the pass has no such row, or the rows here are those of heads
     */
    public ActivationRow row(int sequence, int position) {
        if (maps) {
            throw new BadInputException(
                    point + " has a row for each head and query, not one for each token; name a head");
        }
        int row = find(sequence, position);
        return new ActivationRow(
                this,
                sequence,
                activation.position(row),
                ActivationRow.ALL_HEADS,
                row * activation.width(),
                activation.width());
    }

    /**
     * The values of one head of a token; at attention maps the keys of the query there.
     *
     * @throws BadInputException if the pass has no such row, or the point has no such head
     */
    public ActivationRow row(int sequence, int position, int head) {
        requireHead(head);
        int row = find(sequence, position);
        int found = activation.position(row);
        if (maps) {
            int first = activation.firstRow(sequence);
            int query = head * (activation.firstRow(sequence + 1) - first) + row - first;
            int from = activation.offset(sequence) + query * activation.keys(sequence);
            return new ActivationRow(this, sequence, found, head, from, found + 1);
        }
        int width = activation.width() / heads;
        return new ActivationRow(this, sequence, found, head, row * activation.width() + head * width, width);
    }

    /** Every token's row, sequence by sequence; at attention maps every head's, queries of a head together. */
    public List<ActivationRow> rows() {
        List<ActivationRow> rows = new ArrayList<>();
        for (int sequence = 0; sequence < sequences(); sequence++) {
            for (int head = 0; head < (maps ? heads : 1); head++) {
                for (int position : positions(sequence)) {
                    rows.add(maps ? row(sequence, position, head) : row(sequence, position));
                }
            }
        }
        return rows;
    }

    /**
     * Every token's row of one head, sequence by sequence.
     *
     * @throws BadInputException if the point has no such head
     */
    public List<ActivationRow> rows(int head) {
        requireHead(head);
        List<ActivationRow> rows = new ArrayList<>();
        for (int sequence = 0; sequence < sequences(); sequence++) {
            for (int position : positions(sequence)) {
                rows.add(row(sequence, position, head));
            }
        }
        return rows;
    }

    private void requireHead(int head) {
        if (heads == 0) {
            throw new BadInputException(point + " has no heads, found head " + head);
        }
        if (head < 0 || head >= heads) {
            throw new BadInputException(point + " has heads 0 to " + (heads - 1) + ", found head " + head);
        }
    }

    private int firstRow(int sequence) {
        if (sequence < 0 || sequence >= sequences()) {
            throw new BadInputException(
                    "the pass has sequences 0 to " + (sequences() - 1) + ", found sequence " + sequence);
        }
        return activation.firstRow(sequence);
    }

    /** The row of a position: rows ascend by position, and at the logits some may be missing. */
    private int find(int sequence, int position) {
        requireLive();
        int first = firstRow(sequence);
        int end = activation.firstRow(sequence + 1);
        int wanted = position < 0 ? position + activation.keys(sequence) : position;
        int low = first;
        int high = end - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int found = activation.position(middle);
            if (found == wanted) {
                return middle;
            } else if (found < wanted) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        throw new BadInputException(point + " has "
                + (first == end
                        ? "no rows"
                        : end - first + " rows at positions " + activation.position(first) + " to "
                                + activation.position(end - 1))
                + " of sequence " + sequence + " in this pass, found position " + position);
    }

    float[] values() {
        requireLive();
        return activation.values();
    }

    float[] valuesToWrite(int from, int to) {
        requireLive();
        if (!hook.edits()) {
            throw new HyalineException(
                    "a hook that reads tried to write values of " + point + "; make it with Hook.editing");
        }
        writes.add(from, to);
        return activation.values();
    }

    void end() {
        ended = true;
    }

    private void requireLive() {
        if (ended) {
            throw new HyalineException("values of " + point
                    + " were used after their hook returned; copy what is to be kept with toArray()");
        }
    }

    @Override
    public String toString() {
        return point.name();
    }
}
