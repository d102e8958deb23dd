package dev.hyaline.explorer.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Where the arrays of a view's data stand among its bytes: each begins at a multiple of 8. */
final class DataLayout {
    static final int ALIGNMENT = 8;

    private final List<DataArray> arrays = new ArrayList<>();
    private final List<Integer> offsets = new ArrayList<>();
    private int end;

    /** The place of one more array. */
    int place(DataArray array) {
        int offset = aligned(end);
        arrays.add(array);
        offsets.add(offset);
        end = Math.addExact(offset, Math.multiplyExact(array.length(), array.width()));
        return offset;
    }

    int size() {
        return end;
    }

    /** Writes all arrays in the buffer's order, the first at {@code start}. */
    void write(ByteBuffer bytes, int start) {
        for (int i = 0; i < arrays.size(); i++) {
            ByteBuffer at = bytes.position(start + offsets.get(i));
            arrays.get(i).content().accept(at);
        }
    }

    static int aligned(int size) {
        return Math.multiplyExact(Math.ceilDiv(size, ALIGNMENT), ALIGNMENT);
    }
}
