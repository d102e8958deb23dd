package dev.hyaline.corpora;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.CompressionCodec;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.schema.ColumnProjection;
import dev.hyaline.files.Printable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;

/** The rows of a Parquet file as JSON Lines. Not thread-safe. */
final class ParquetLines extends InputStream {
    private static final byte[] MAGIC = {'P', 'A', 'R', '1'};
    private static final Set<CompressionCodec> READ = Set.of(
            CompressionCodec.UNCOMPRESSED, CompressionCodec.SNAPPY, CompressionCodec.ZSTD, CompressionCodec.GZIP);

    private final ParquetFileReader file;
    private final RowReader rows;
    private final DocumentColumn column;
    private long row;
    private byte[] line = {};
    private int at;

    private ParquetLines(ParquetFileReader file, RowReader rows, DocumentColumn column, long row) {
        this.file = file;
        this.rows = rows;
        this.column = column;
        this.row = row;
    }

    static ParquetLines open(Path path, long first) throws IOException {
        requireMagic(path);
        ParquetFileReader file = null;
        try {
            file = ParquetFileReader.open(InputFile.of(path));
            DocumentColumn column = DocumentColumn.of(file.getFileSchema());
            requireCodec(file.getFileMetaData(), column);
            PageHeaders.require(path, file.getFileMetaData(), column.name());
            RowReader rows = file.buildRowReader()
                    .projection(ColumnProjection.columns(column.name()))
                    .skip(first)
                    .build();
            return new ParquetLines(file, rows, column, first);
        } catch (IOException | RuntimeException e) {
            if (file != null) {
                file.close();
            }
            throw e instanceof UnreadableColumnException unreadable ? unreadable : damaged(e);
        }
    }

    private static void requireMagic(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path)) {
            ByteBuffer bytes = ByteBuffer.allocate(MAGIC.length);
            for (long from : new long[] {0, Math.max(0, channel.size() - MAGIC.length)}) {
                bytes.clear();
                while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) > 0) {
                    // Until all are there.
                }
                if (bytes.hasRemaining() || !bytes.flip().equals(ByteBuffer.wrap(MAGIC))) {
                    throw new IOException(
                            from == 0
                                    ? "it is not a Parquet file: it does not begin with PAR1"
                                    : "it is not a whole Parquet file: it does not end with PAR1, and has "
                                            + channel.size() + " bytes");
                }
            }
        }
    }

    private static void requireCodec(FileMetaData file, DocumentColumn column) throws IOException {
        for (RowGroup group : file.rowGroups()) {
            for (ColumnChunk chunk : group.columns()) {
                CompressionCodec codec = chunk.metaData().codec();
                if (chunk.metaData().pathInSchema().elements().getFirst().equals(column.name())
                        && !READ.contains(codec)) {
                    throw new UnreadableColumnException("its column " + column.name() + " is compressed with " + codec
                            + ", which is not read; write it with snappy, zstd, gzip or none");
                }
            }
        }
    }

    private static IOException damaged(Exception e) {
        return new IOException("its Parquet data is damaged (" + reason(e) + ")", e);
    }

    private static String reason(Throwable e) {
        String message = e.getMessage();
        return message == null
                ? e.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    @Override
    public int read() throws IOException {
        return at == line.length && !next() ? -1 : line[at++] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        if (length == 0) {
            return 0;
        }
        if (at == line.length && !next()) {
            return -1;
        }
        int count = Math.min(length, line.length - at);
        System.arraycopy(line, at, into, offset, count);
        at += count;
        return count;
    }

    private boolean next() throws IOException {
        try {
            if (!rows.hasNext()) {
                return false;
            }
            rows.next();
            line = column.line(rows, row);
            row++;
            at = 0;
            return true;
        } catch (RuntimeException e) {
            throw new IOException(
                    "its Parquet data is damaged after " + Printable.plural(row, "row") + " (" + reason(e) + ")", e);
        }
    }

    @Override
    public void close() throws IOException {
        rows.close();
        file.close();
    }
}
