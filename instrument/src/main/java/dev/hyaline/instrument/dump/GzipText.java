package dev.hyaline.instrument.dump;

import dev.hyaline.files.DecompressedInput;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The text of a gzip file (RFC 1952) of any number of members. Unlike {@link java.util.zip.GZIPInputStream} it takes
 * nothing after the last member but zeros, so that a damaged member is never taken for the end. Not thread-safe.
 */
final class GzipText extends DecompressedInput {
    private static final int BUFFER = 1 << 16;
    private static final int DEFLATE = 8;
    private static final int HEADER_CHECKSUM = 2;
    private static final int EXTRA = 4;
    private static final int NAME = 8;
    private static final int COMMENT = 16;

    private final byte[] buffer = new byte[BUFFER];
    private int at;
    private int limit;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 checksum = new CRC32();
    private boolean inMember;
    private boolean any;

    GzipText(InputStream in) {
        super(in, "gzip");
    }

    @Override
    protected int decompress(byte[] into, int offset, int length) throws IOException {
        while (inMember || begin()) {
            int read = inflate(into, offset, length);
            if (read > 0) {
                return read;
            }
        }
        return -1;
    }

    /** Inflates some bytes, or completes the member. */
    private int inflate(byte[] into, int offset, int length) throws IOException {
        try {
            int read = inflater.inflate(into, offset, length);
            if (read > 0) {
                checksum.update(into, offset, read);
            } else if (inflater.finished()) {
                end();
            } else if (inflater.needsDictionary()) {
                throw new IOException("its gzip data needs a dictionary");
            } else if (inflater.needsInput()) {
                if (at == limit && !fill()) {
                    throw cutShort();
                }
                inflater.setInput(buffer, at, limit - at);
                at = limit;
            }
            return read;
        } catch (DataFormatException e) {
            throw new IOException("its gzip data is damaged before byte " + count(), e);
        }
    }

    /** Reads the header of the next member; returns false at the end of the file. */
    private boolean begin() throws IOException {
        int first = next();
        while (any && first == 0) {
            first = next();
        }
        if (first < 0) {
            return false;
        }
        if (first != 0x1f || next() != 0x8b) {
            throw new IOException(
                    any
                            ? "what follows its gzip data, up to byte " + position() + ", is no gzip data"
                            : "it is not gzip data, although its name ends in .gz");
        }
        if (required() != DEFLATE) {
            throw new IOException("its gzip data has an unknown compression method");
        }
        int flags = required();
        skip(6);
        if ((flags & EXTRA) != 0) {
            skip(required() | required() << 8);
        }
        if ((flags & NAME) != 0) {
            skipString();
        }
        if ((flags & COMMENT) != 0) {
            skipString();
        }
        if ((flags & HEADER_CHECKSUM) != 0) {
            skip(2);
        }
        any = true;
        inMember = true;
        inflater.reset();
        checksum.reset();
        return true;
    }

    /** Compares the checksum and the size that follow a member. */
    private void end() throws IOException {
        at = limit - inflater.getRemaining();
        long expected = word();
        long size = word();
        if (expected != checksum.getValue() || size != (inflater.getBytesWritten() & 0xffffffffL)) {
            throw new IOException("its gzip data is damaged: the checksum at byte " + (position() - 8)
                    + " is not that of the text before it");
        }
        inMember = false;
    }

    private long word() throws IOException {
        long word = 0;
        for (int shift = 0; shift < 32; shift += 8) {
            word |= (long) required() << shift;
        }
        return word;
    }

    private void skip(int bytes) throws IOException {
        for (int i = 0; i < bytes; i++) {
            required();
        }
    }

    private void skipString() throws IOException {
        while (required() != 0) {
            // Its end is a zero.
        }
    }

    private int required() throws IOException {
        int read = next();
        if (read < 0) {
            throw cutShort();
        }
        return read;
    }

    private int next() throws IOException {
        return at == limit && !fill() ? -1 : buffer[at++] & 0xff;
    }

    private boolean fill() throws IOException {
        at = 0;
        limit = fill(buffer);
        return limit > 0;
    }

    /** Bytes of the file that were taken. */
    private long position() {
        return count() - (limit - at);
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        super.close();
    }
}
