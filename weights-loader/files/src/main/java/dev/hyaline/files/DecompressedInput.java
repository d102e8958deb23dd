package dev.hyaline.files;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** The content of a compressed file, decompressed as it is read. Not thread-safe. */
public abstract class DecompressedInput extends InputStream {
    private final InputStream compressed;
    private final String format;
    private long count;

    /**
     * Prepares to decompress.
     *
     * @param format its name for errors, such as {@code gzip}
     */
    protected DecompressedInput(InputStream compressed, String format) {
        this.compressed = compressed;
        this.format = format;
    }

    /**
     * Decompresses some bytes.
     *
     * @param length at least 1
     * @return their number, at least 1; -1 at the end
     */
    protected abstract int decompress(byte[] into, int offset, int length) throws IOException;

    /** Reads as much of the compressed file as a buffer holds, and returns its bytes; 0 at the end of the file. */
    protected final int fill(byte[] buffer) throws IOException {
        int bytes = compressed.readNBytes(buffer, 0, buffer.length);
        count += bytes;
        return bytes;
    }

    /** Bytes of the compressed file that were read. */
    protected final long count() {
        return count;
    }

    /** The error of a file that ends before its data does. */
    protected final EOFException cutShort() {
        return new EOFException("it ends after " + count + " bytes, in the middle of its " + format + " data");
    }

    @Override
    public final int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public final int read(byte[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        return length == 0 ? 0 : decompress(into, offset, length);
    }

    @Override
    public void close() throws IOException {
        compressed.close();
    }
}
