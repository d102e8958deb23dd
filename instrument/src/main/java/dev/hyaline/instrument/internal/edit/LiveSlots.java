package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;

/** The slots of a sequence in a pass that runs. */
public final class LiveSlots implements SlotAccess {
    private final Activation activation;
    private final int sequence;
    private final boolean maps;
    private final boolean logits;
    private final int rows;
    private final int start;

    public LiveSlots(HookPoint point, Activation activation, int sequence) {
        this.activation = activation;
        this.sequence = sequence;
        maps = point.site().isMap();
        logits = point.site() == Site.UNEMBED_OUT;
        if (logits && activation.columns().length > 0) {
            throw new BadInputException("an edit of " + point + " needs the logits of the whole vocabulary");
        }
        int firstRow = activation.firstRow(sequence);
        rows = activation.firstRow(sequence + 1) - firstRow;
        start = rows == 0 ? 0 : activation.position(firstRow);
    }

    @Override
    public boolean has(int position) {
        return row(position) >= 0;
    }

    @Override
    public void read(int position, int head, float[] out) {
        System.arraycopy(activation.values(), at(position, head, out.length), out, 0, out.length);
    }

    @Override
    public void write(int position, int head, float[] in) {
        System.arraycopy(in, 0, activation.values(), at(position, head, in.length), in.length);
    }

    private int at(int position, int head, int n) {
        int ofHead = Math.max(0, head);
        if (maps) {
            int query = ofHead * rows + row(position);
            return activation.offset(sequence) + query * activation.keys(sequence);
        }
        return activation.offset(sequence) + row(position) * activation.width() + ofHead * n;
    }

    /** Of this sequence's rows, the one at a position; negative if there is none. */
    private int row(int position) {
        if (!logits) {
            int row = position - start;
            return row < rows ? row : -1;
        }
        int firstRow = activation.firstRow(sequence);
        int low = 0;
        int high = rows - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int found = activation.position(firstRow + middle);
            if (found == position) {
                return middle;
            } else if (found < position) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -1;
    }
}
