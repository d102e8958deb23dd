package dev.hyaline.weights.internal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What is often found where a safetensors file should be, told by its first bytes. */
enum ForeignFormat {
    LFS_POINTER("a Git LFS pointer in the file's place: fetch the file with git lfs pull"),
    HTML("an HTML page, as a failed download leaves: download the file again"),
    ZIP("a zip archive, as torch.save writes: save the model again with save_pretrained"),
    PICKLE("a Python pickle, as torch.save writes: save the model again with save_pretrained"),
    GGUF("a GGUF file, which is not read: take the model's safetensors file");

    /** Bytes from the start of a file that suffice to tell. */
    static final int START = 64;

    private final String description;

    ForeignFormat(String description) {
        this.description = description;
    }

    /**
     * The format of a file whose first bytes cannot be a safetensors file's.
     *
     * @param start the first {@link #START} bytes of the file, or all there are
     */
    static Optional<ForeignFormat> of(byte[] start) {
        String text = new String(start, ISO_8859_1);
        return Arrays.stream(values()).filter(format -> format.begins(text)).findFirst();
    }

    /** The format, and what to do about it. */
    String description() {
        return description;
    }

    private boolean begins(String text) {
        return switch (this) {
            case LFS_POINTER -> text.startsWith("version https://git-lfs.");
            case HTML -> {
                String page = text.replace("\u00EF\u00BB\u00BF", "").strip().toLowerCase(Locale.ROOT);
                yield page.startsWith("<!doctype html") || page.startsWith("<html");
            }
            case ZIP -> text.startsWith("PK\3\4");
            // Protocols 0 and 1 have no mark of their own, and nothing has been saved in them for long.
            case PICKLE -> text.matches("(?s)\\x80[\\x02-\\x05].*");
            case GGUF -> text.startsWith("GGUF");
        };
    }
}
