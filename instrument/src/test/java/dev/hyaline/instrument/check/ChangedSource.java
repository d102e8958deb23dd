package dev.hyaline.instrument.check;

import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;

/** A source of which one row of one tensor is changed. */
record ChangedSource(TensorSource source, String tensor, int row, Change change) implements TensorSource {
    interface Change {
        float apply(int column, float value);
    }

    @Override
    public String name() {
        return source.name();
    }

    @Override
    public void read(TensorSpec spec, int firstRow, int rows, float[] out, int offset) {
        source.read(spec, firstRow, rows, out, offset);
        if (spec.name().equals(tensor) && row >= firstRow && row < firstRow + rows) {
            int from = offset + (row - firstRow) * spec.columns();
            for (int i = 0; i < spec.columns(); i++) {
                out[from + i] = change.apply(i, out[from + i]);
            }
        }
    }
}
