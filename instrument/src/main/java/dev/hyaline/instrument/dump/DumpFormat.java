package dev.hyaline.instrument.dump;

import dev.hyaline.files.FileLayout;
import dev.hyaline.files.NpzLayout;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.FileTypes;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The kind of file a dump's tensors are written to. */
public enum DumpFormat {
    /** One file for Hugging Face's {@code safetensors}: a JSON header, then the values. */
    SAFETENSORS,
    /** One file for {@code numpy.load}: an uncompressed zip of {@code .npy} files. NumPy has no bfloat16. */
    NPZ;

    /** Name of the file: {@code activations.safetensors} or {@code activations.npz}. */
    public String fileName() {
        return "activations." + this;
    }

    /** Returns whether the format has values of a type. */
    public boolean holds(ElementType type) {
        return this == SAFETENSORS || type != ElementType.BF16;
    }

    FileLayout layout(List<TensorInfo> tensors, Map<String, String> metadata) {
        return switch (this) {
            case SAFETENSORS -> SafetensorsLayout.of(FileTypes.of(tensors), metadata);
            case NPZ -> NpzLayout.of(FileTypes.of(tensors));
        };
    }

    /** Its name in lower case, which is also the file's extension. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
