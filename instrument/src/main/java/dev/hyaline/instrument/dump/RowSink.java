package dev.hyaline.instrument.dump;

import dev.hyaline.instrument.TensorInfo;
import java.io.IOException;

/** What takes the rows of a dump: each tensor's in order, the tensors in any. */
interface RowSink {
    /** Turns to the rows of a tensor from {@code firstRow} on. */
    void begin(TensorInfo rows, long firstRow) throws IOException;

    /** Appends values of whole rows. */
    void append(float[] values, int offset, int count) throws IOException;
}
