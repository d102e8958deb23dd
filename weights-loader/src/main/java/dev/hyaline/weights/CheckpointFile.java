package dev.hyaline.weights;

import dev.hyaline.weights.internal.Folder;

/** A file that a checkpoint was read from. */
public final class CheckpointFile {
    private final Folder folder;
    private final String name;
    private final long bytes;

    CheckpointFile(Folder folder, String name) {
        this.folder = folder;
        this.name = name;
        this.bytes = folder.size(name);
    }

    /** The name in the checkpoint's folder, such as {@code model.safetensors}. */
    public String name() {
        return name;
    }

    /** The size in bytes. */
    public long bytes() {
        return bytes;
    }

    /** The SHA-256 of the content in lower-case hexadecimal. Reads the whole file at each call. */
    public String sha256() {
        return folder.sha256(name);
    }

    @Override
    public String toString() {
        return name + " (" + bytes + " bytes)";
    }
}
