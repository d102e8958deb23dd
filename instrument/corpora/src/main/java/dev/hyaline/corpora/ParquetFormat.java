package dev.hyaline.corpora;

import dev.hyaline.instrument.dump.RecordFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Parquet: each row is a document, by its column {@code text}, of strings, or {@code tokens} or {@code input_ids}, of
 * lists of integers. Other columns are not read. Reading from a row on begins at its row group. Pages may be plain, or
 * compressed with snappy, zstd or gzip.
 */
public final class ParquetFormat implements RecordFormat {
    /** Hardwood says which of its parts it uses; held, because a logger that nobody holds forgets its level. */
    private static final Logger OF_HARDWOOD = Logger.getLogger("dev.hardwood");

    static {
        if (OF_HARDWOOD.getLevel() == null) {
            OF_HARDWOOD.setLevel(Level.WARNING);
        }
    }

    public ParquetFormat() {}

    @Override
    public String ending() {
        return ".parquet";
    }

    @Override
    public InputStream jsonLines(Path file, long first) throws IOException {
        return ParquetLines.open(file, first);
    }
}
