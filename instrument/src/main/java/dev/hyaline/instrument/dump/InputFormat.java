package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * The format of an input file, told by the ending of its name: plain text unless it is compressed or of records.
 *
 * @param compression of a text; null for none
 * @param records null for a text
 */
record InputFormat(
        @Nullable TextCompression compression, @Nullable RecordFormat records) {
    private static final InputFormat PLAIN = new InputFormat(null, null);
    private static final InputFormat GZIP = new InputFormat(
            new TextCompression() {
                @Override
                public String ending() {
                    return ".gz";
                }

                @Override
                public InputStream decompress(InputStream compressed) {
                    return new GzipText(compressed);
                }
            },
            null);

    private static final List<String> COMPRESSED = List.of(".gz", ".zst");
    private static final List<String> JSON_LINES = List.of(".jsonl", ".ndjson", ".json");
    private static final String PARQUET = ".parquet";
    private static final String TEXT = ".txt";

    /**
     * The format of a file.
     *
     * @throws BadInputException if its format is known, but not read, or read by a module that is not there
     */
    static InputFormat of(String file) {
        String lower = file.toLowerCase(Locale.ROOT);
        if (lower.endsWith(".gz")) {
            return GZIP;
        }
        if (lower.endsWith(".arrow")) {
            throw new BadInputException(file + " is an Arrow file; write it as Parquet, for one that the datasets"
                    + " library saved by load_from_disk(...).to_parquet(\"corpus.parquet\"), and give that");
        }
        for (TextCompression compression :
                ServiceLoader.load(TextCompression.class, InputFormat.class.getClassLoader())) {
            if (lower.endsWith(compression.ending())) {
                return new InputFormat(compression, null);
            }
        }
        for (RecordFormat records : ServiceLoader.load(RecordFormat.class, InputFormat.class.getClassLoader())) {
            if (lower.endsWith(records.ending())) {
                return new InputFormat(null, records);
            }
        }
        if (lower.endsWith(".zst") || lower.endsWith(PARQUET)) {
            throw new BadInputException(file + ": such files are read by the module hyaline-corpora, which is not"
                    + " there; put it on the class path or module path");
        }
        return PLAIN;
    }

    /** Returns whether the lines of a file are JSON, by its name. */
    static boolean isJsonLines(String file) {
        return endsWith(uncompressed(file), JSON_LINES) || endsWith(file, List.of(PARQUET));
    }

    /** Returns whether a file is one of a corpus, by its name, where a folder is given. */
    static boolean isKnown(String file) {
        return isJsonLines(file) || endsWith(uncompressed(file), List.of(TEXT));
    }

    /** All that {@link #isKnown} knows, for a message. */
    static String known() {
        return String.join(", ", TEXT, String.join(", ", JSON_LINES), PARQUET) + ", and all but the last with "
                + String.join(" or ", COMPRESSED) + " after it";
    }

    private static String uncompressed(String file) {
        for (String ending : COMPRESSED) {
            if (endsWith(file, List.of(ending))) {
                return file.substring(0, file.length() - ending.length());
            }
        }
        return file;
    }

    private static boolean endsWith(String file, List<String> endings) {
        String lower = file.toLowerCase(Locale.ROOT);
        return endings.stream().anyMatch(lower::endsWith);
    }
}
