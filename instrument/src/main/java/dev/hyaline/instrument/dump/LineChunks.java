package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Digests;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The text of an input file, read in pieces of whole lines. Not thread-safe. */
final class LineChunks implements AutoCloseable {
    /** A longer line is no document: the file is no text, or not one document a line. */
    private static final int MAX_LINE = 1 << 30;

    private static final int BUFFER = 1 << 16;

    /** Counts the bytes that pass. */
    private static final class Counted extends FilterInputStream {
        long count;

        Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            count += read < 0 ? 0 : 1;
            return read;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int read = super.read(into, offset, length);
            count += Math.max(0, read);
            return read;
        }
    }

    private final String name;
    /** The file's bytes and their digest, where these are known once all is read. */
    private final @Nullable Counted file;

    private final @Nullable MessageDigest digest;
    private final InputStream text;
    private final byte[] buffer = new byte[BUFFER];
    private int at;
    private int limit;

    private LineChunks(String name, @Nullable Counted file, @Nullable MessageDigest digest, InputStream text) {
        this.name = name;
        this.file = file;
        this.digest = digest;
        this.text = text;
    }

    /**
     * Opens a file to read it from its first line on, and to know its size and checksum in the end.
     *
     * @throws FileException if it cannot be read
     */
    static LineChunks open(String name) {
        InputFormat format = InputFormat.of(name);
        try {
            if (format.records() != null) {
                return new LineChunks(name, null, null, new InputFile(name).jsonLines(format.records(), 0));
            }
            MessageDigest digest = Digests.sha256();
            Counted counted = new Counted(new InputFile(name).open());
            InputStream bytes = new DigestInputStream(counted, digest);
            return new LineChunks(name, counted, digest, text(format, bytes));
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /**
     * Opens a file to read it from a line on.
     *
     * @param offset where the line begins in the file's text, which of records is their JSON
     * @param lines number of lines before it
     * @throws FileException if it cannot be read
     */
    static LineChunks open(String name, long offset, long lines) {
        InputFormat format = InputFormat.of(name);
        try {
            if (format.records() != null) {
                return new LineChunks(name, null, null, new InputFile(name).jsonLines(format.records(), lines));
            }
            InputStream text = text(format, new InputFile(name).open());
            try {
                text.skipNBytes(offset);
            } catch (IOException e) {
                text.close();
                throw e;
            }
            return new LineChunks(name, null, null, text);
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /**
     * The text of a file.
     *
     * @throws FileException if it cannot be opened
     */
    static InputStream text(String name) {
        return open(name, 0, 0).text;
    }

    private static InputStream text(InputFormat format, InputStream bytes) throws IOException {
        if (format.compression() == null) {
            return bytes;
        }
        try {
            return format.compression().decompress(bytes);
        } catch (IOException e) {
            bytes.close();
            throw e;
        }
    }

    /** The next lines, of at least so many bytes together unless the file ends; empty at its end. */
    Optional<byte[]> next(int least) {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream();
        boolean ended = false;
        while (!ended && fill()) {
            int from = (int) Math.max(at, (long) at + least - chunk.size() - 1);
            int end = limit;
            for (int i = from; i < limit && !ended; i++) {
                if (buffer[i] == '\n') {
                    end = i + 1;
                    ended = true;
                }
            }
            chunk.write(buffer, at, end - at);
            at = end;
            if (chunk.size() > MAX_LINE) {
                throw new BadInputException(name + ": a line has more than " + MAX_LINE / 2
                        + " bytes; expected a text with one document a line");
            }
        }
        return chunk.size() == 0 ? Optional.empty() : Optional.of(chunk.toByteArray());
    }

    /** The next bytes, fewer if the file ends. */
    byte[] exactly(int bytes) {
        byte[] chunk = new byte[bytes];
        int count = 0;
        while (count < bytes && fill()) {
            int step = Math.min(bytes - count, limit - at);
            System.arraycopy(buffer, at, chunk, count, step);
            count += step;
            at += step;
        }
        return count == bytes ? chunk : Arrays.copyOf(chunk, count);
    }

    /** Returns whether there is a byte left, and makes it the buffer's next. */
    private boolean fill() {
        if (at < limit) {
            return true;
        }
        try {
            at = 0;
            limit = Math.max(0, text.read(buffer, 0, buffer.length));
            return limit > 0;
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /** Size and checksum of the file, once all is read. */
    PlannedFile file() {
        try {
            if (file == null || digest == null) {
                try (InputStream bytes = new InputFile(name).open()) {
                    return planned(new Counted(bytes), Digests.sha256());
                }
            }
            return planned(file, digest);
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    private PlannedFile planned(Counted rest, MessageDigest whole) throws IOException {
        new DigestInputStream(rest, whole).transferTo(OutputStream.nullOutputStream());
        return new PlannedFile(name, rest.count, Digests.hex(whole));
    }

    @Override
    public void close() {
        try {
            text.close();
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }
}
