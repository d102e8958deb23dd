package dev.hyaline.weights.internal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.SafetensorsFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/** The format of a file of weights, recognised by its content alone. */
public enum WeightFormat {
    /** Hugging Face's safetensors. */
    SAFETENSORS,
    /** A JSON object that maps tensors to shards. */
    SHARD_INDEX,
    /** A zip archive, as {@code torch.save} writes since PyTorch 1.6. */
    TORCH_ZIP,
    /** Pickles one after another and then the values, as {@code torch.save} wrote before. */
    TORCH_LEGACY,
    /** llama.cpp's GGUF. */
    GGUF,
    /** A checkpoint of llm.c. */
    LLMC,
    /** The index of a TensorFlow checkpoint, a sorted table. */
    TENSORFLOW_INDEX,
    /** None of these. */
    UNKNOWN;

    /** The first four bytes of an llm.c checkpoint as a little-endian integer. */
    public static final int LLMC_MAGIC = 20240326;

    /** The last eight bytes of a sorted table as a little-endian integer. */
    public static final long TABLE_MAGIC = 0xdb4775248b80fb57L;

    private static final int START = 64;

    /** Recognises a file's format, and refuses files that are often found in the place of weights but are not. */
    public static WeightFormat of(Folder folder, String name) {
        try (FileInput input = folder.open(name)) {
            byte[] start = input.read(0, (int) Math.min(START, input.size()));
            String text = new String(start, ISO_8859_1);
            if (SafetensorsFile.isPlausible(start, input.size())) {
                return SAFETENSORS;
            }
            if (text.startsWith("PK\3\4")) {
                return TORCH_ZIP;
            }
            // Protocols 0 and 1 have no mark of their own, and have not been used for a long time.
            if (text.matches("(?s)\\x80[\\x02-\\x05].*")) {
                return TORCH_LEGACY;
            }
            if (text.startsWith("GGUF")) {
                return GGUF;
            }
            if (start.length >= Integer.BYTES && little(start).getInt() == LLMC_MAGIC) {
                return LLMC;
            }
            if (text.strip().startsWith("{")) {
                return SHARD_INDEX;
            }
            if (input.size() >= Long.BYTES
                    && little(input.read(input.size() - Long.BYTES, Long.BYTES)).getLong() == TABLE_MAGIC) {
                return TENSORFLOW_INDEX;
            }
            refuseMistaken(folder.label(name), text);
            return UNKNOWN;
        }
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void refuseMistaken(String label, String start) {
        String page = start.replace("\u00EF\u00BB\u00BF", "").strip().toLowerCase(Locale.ROOT);
        if (start.startsWith("version https://git-lfs.")) {
            throw BadCheckpointException.file(
                    label, "weights", "a Git LFS pointer in the file's place: fetch the file with git lfs pull");
        }
        if (page.startsWith("<!doctype html") || page.startsWith("<html")) {
            throw BadCheckpointException.file(
                    label, "weights", "an HTML page, as a failed download leaves: download the file again");
        }
    }
}
