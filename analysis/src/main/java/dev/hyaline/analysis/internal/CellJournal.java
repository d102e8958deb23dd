package dev.hyaline.analysis.internal;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.instrument.run.MultiplyAdds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.zip.CRC32;

/**
 * The finished cells of a sweep on disk: a header with the sweep's fingerprint, then a record per result, with what it
 * took and a checksum. Results are added one by one; a record that was cut off when the process died is dropped when
 * the file is opened again.
 */
public final class CellJournal implements AutoCloseable {
    private static final byte[] MAGIC = "HYALCEL2".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    private static final int FINGERPRINT = 32;
    private static final int HEADER = MAGIC.length + FINGERPRINT;
    private static final int PAYLOAD = 2 * Integer.BYTES + Double.BYTES + 2 * Long.BYTES;
    private static final int RECORD = PAYLOAD + Integer.BYTES;

    /** The metric of a pair in a cell, and the work that took. */
    public record Result(int cell, int pair, double value, MultiplyAdds work) {}

    private final Path file;
    private final FileChannel channel;
    private final ByteBuffer record = ByteBuffer.allocate(RECORD);

    private CellJournal(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Opens a file, or begins it, and hands its results to a reader.
     *
     * @param fingerprint 32 bytes that are the same for the same sweep only
     * @throws FileException if it cannot be read or written, or is a symbolic link
     * @throws BadInputException if it is being written by another run, or belongs to another sweep
     */
    public static CellJournal open(Path file, byte[] fingerprint, Consumer<Result> reader) {
        try {
            Disk.createParent(file);
            FileChannel channel =
                    Disk.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            try {
                lock(file, channel);
                CellJournal journal = new CellJournal(file, channel);
                journal.read(fingerprint, reader);
                return journal;
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    private static void lock(Path file, FileChannel channel) throws IOException {
        boolean locked;
        try {
            locked = channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            locked = false;
        }
        if (!locked) {
            throw new BadInputException(file + " is being written by another run of the sweep");
        }
    }

    private void read(byte[] fingerprint, Consumer<Result> reader) throws IOException {
        byte[] header = Arrays.copyOf(MAGIC, HEADER);
        System.arraycopy(fingerprint, 0, header, MAGIC.length, FINGERPRINT);
        ByteBuffer found = ByteBuffer.allocate(HEADER);
        fill(found);
        if (found.position() < HEADER
                && Arrays.equals(found.array(), 0, found.position(), header, 0, found.position())) {
            channel.truncate(0).position(0);
            writeAll(ByteBuffer.wrap(header));
            return;
        }
        if (!Arrays.equals(found.array(), header)) {
            throw new BadInputException(file
                    + " holds the cells of another sweep or of another version, or is no file of cells; delete it to"
                    + " begin anew");
        }
        ByteBuffer records = ByteBuffer.allocate(RECORD * 4096);
        long whole = HEADER;
        while (fill(records) >= RECORD) {
            records.flip();
            while (records.remaining() >= RECORD) {
                int at = records.position();
                int cell = records.getInt();
                int pair = records.getInt();
                double value = records.getDouble();
                MultiplyAdds work = new MultiplyAdds(records.getLong(), records.getLong());
                if (records.getInt() != checkSum(records.array(), at)) {
                    channel.truncate(whole).position(whole);
                    return;
                }
                whole += RECORD;
                reader.accept(new Result(cell, pair, value, work));
            }
            records.compact();
        }
        channel.truncate(whole).position(whole);
    }

    private int fill(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
        return buffer.position();
    }

    /** Adds a result, which survives from here on whatever happens to the process. */
    public void add(Result result) {
        record.clear()
                .putInt(result.cell())
                .putInt(result.pair())
                .putDouble(result.value())
                .putLong(result.work().done())
                .putLong(result.work().full())
                .putInt(checkSum(record.array(), 0));
        try {
            writeAll(record.flip());
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    private void writeAll(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static int checkSum(byte[] bytes, int offset) {
        CRC32 sum = new CRC32();
        sum.update(bytes, offset, PAYLOAD);
        return (int) sum.getValue();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }
}
