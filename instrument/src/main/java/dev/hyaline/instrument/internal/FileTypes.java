package dev.hyaline.instrument.internal;

import dev.hyaline.files.Dtype;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.TensorInfo;
import java.util.List;

/** Tensors of a dump as the formats of files know them. */
public final class FileTypes {
    private FileTypes() {}

    public static Dtype of(ElementType type) {
        return switch (type) {
            case F32 -> Dtype.F32;
            case F16 -> Dtype.F16;
            case BF16 -> Dtype.BF16;
            case I64 -> Dtype.I64;
        };
    }

    public static List<TensorEntry> of(List<TensorInfo> tensors) {
        return tensors.stream()
                .map(tensor -> new TensorEntry(tensor.name(), of(tensor.type()), tensor.shape()))
                .toList();
    }
}
