package dev.hyaline.weights.internal;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.StorageDtype;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Matrices of equal height side by side, or vectors end to end: one parameter of GPT-2 that a format keeps in pieces.
 */
public record JoinedColumns(List<TensorView> parts) implements Parameter {
    public JoinedColumns {
        parts = List.copyOf(parts);
        List<Long> first = parts.getFirst().shape();
        for (TensorView part : parts) {
            List<Long> shape = part.shape();
            if (!shape.subList(0, shape.size() - 1).equals(first.subList(0, first.size() - 1))) {
                throw part.bad("as many rows as " + parts.getFirst().shown() + " has", part.shown());
            }
        }
    }

    @Override
    public String file() {
        return parts.getFirst().file();
    }

    @Override
    public String name() {
        return parts.getFirst().name();
    }

    @Override
    public List<Long> shape() {
        List<Long> first = parts.getFirst().shape();
        long columns = parts.stream().mapToLong(part -> part.shape().getLast()).sum();
        return first.size() == 1 ? List.of(columns) : List.of(first.getFirst(), columns);
    }

    @Override
    public String shown() {
        return parts.getFirst().dtype() + " " + Printable.plain(shape().toString());
    }

    @Override
    public Set<StorageDtype> storage() {
        Set<StorageDtype> dtypes = EnumSet.noneOf(StorageDtype.class);
        parts.forEach(part -> dtypes.addAll(part.storage()));
        return dtypes;
    }

    @Override
    public long storedBytes() {
        return parts.stream().mapToLong(TensorView::storedBytes).sum();
    }

    @Override
    public void read(int firstRow, int rows, float[] out, int offset, int stride) {
        int at = offset;
        for (TensorView part : parts) {
            part.read(firstRow, rows, out, at, stride);
            at += Math.toIntExact(part.shape().getLast());
        }
    }

    @Override
    public void unload() {
        parts.forEach(TensorView::unload);
    }
}
