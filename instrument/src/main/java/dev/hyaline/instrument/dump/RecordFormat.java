package dev.hyaline.instrument.dump;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/**
 * A kind of files of records that a corpus is read from, each record as a line of JSON. It is found as a service; the
 * module {@code hyaline-corpora} brings Parquet.
 */
public interface RecordFormat {
    /** The ending of a file's name that tells it, in lower case, such as {@code .parquet}. */
    String ending();

    /**
     * Opens a file as JSON Lines: each record is an object with {@code "text"} or {@code "tokens"}. Where the file is
     * damaged or a record has neither, reading throws an {@link IOException} that says so.
     *
     * @param first index of the first record to read, at most the number of records
     */
    InputStream jsonLines(Path file, long first) throws IOException;
}
