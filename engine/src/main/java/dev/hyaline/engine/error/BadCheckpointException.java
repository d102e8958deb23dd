package dev.hyaline.engine.error;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A checkpoint (weights, config or tokenizer file) that does not hold what it must. */
public final class BadCheckpointException extends HyalineException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final @Nullable String tensor;
    private final String expected;
    private final String found;

    private BadCheckpointException(
            String file, @Nullable String tensor, String expected, String found, @Nullable Throwable cause) {
        super(
                file + (tensor == null ? "" : ": tensor " + tensor) + ": expected " + expected + ", found " + found,
                cause);
        this.file = file;
        this.tensor = tensor;
        this.expected = expected;
        this.found = found;
    }

    /** The file as a whole, or a part of it that is not a tensor, is wrong. */
    public static BadCheckpointException file(Object file, String expected, String found) {
        return new BadCheckpointException(String.valueOf(file), null, expected, found, null);
    }

    /** As {@link #file(Object, String, String)}, keeping the failure that revealed it. */
    public static BadCheckpointException file(Object file, String expected, String found, Throwable cause) {
        return new BadCheckpointException(String.valueOf(file), null, expected, found, cause);
    }

    /** One tensor of the file is wrong. */
    public static BadCheckpointException tensor(Object file, String tensor, String expected, String found) {
        return new BadCheckpointException(String.valueOf(file), tensor, expected, found, null);
    }

    public String file() {
        return file;
    }

    /** Name of the tensor at fault; empty when the file as a whole is. */
    public Optional<String> tensor() {
        return Optional.ofNullable(tensor);
    }

    public String expected() {
        return expected;
    }

    public String found() {
        return found;
    }
}
