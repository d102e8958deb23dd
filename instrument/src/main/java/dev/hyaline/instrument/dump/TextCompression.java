package dev.hyaline.instrument.dump;

import java.io.IOException;
import java.io.InputStream;

/**
 * A compression of the text files of a corpus, found as a service. gzip is built in; the module {@code hyaline-corpora}
 * brings zstd.
 */
public interface TextCompression {
    /** The ending of a file's name that tells it, in lower case, such as {@code .zst}. */
    String ending();

    /**
     * Decompresses. Where the data is damaged or ends too early, reading throws an {@link IOException} that says so.
     *
     * @return what closes {@code compressed} when it is closed
     */
    InputStream decompress(InputStream compressed) throws IOException;
}
