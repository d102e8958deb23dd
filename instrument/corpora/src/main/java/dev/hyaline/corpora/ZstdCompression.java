package dev.hyaline.corpora;

import dev.hyaline.instrument.dump.TextCompression;
import java.io.InputStream;

/** zstd (RFC 8878), of any number of frames. */
public final class ZstdCompression implements TextCompression {
    public ZstdCompression() {}

    @Override
    public String ending() {
        return ".zst";
    }

    @Override
    public InputStream decompress(InputStream compressed) {
        return new ZstdText(compressed);
    }
}
