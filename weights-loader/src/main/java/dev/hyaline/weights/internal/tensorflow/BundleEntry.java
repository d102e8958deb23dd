package dev.hyaline.weights.internal.tensorflow;

import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The place of a tensor in a TensorFlow checkpoint.
 *
 * @param type TensorFlow's number of its element type
 * @param shard number of the data file
 * @param checksum of its bytes, masked
 * @see <a href="https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto">
 *     BundleEntryProto</a>
 */
record BundleEntry(int type, List<Long> shape, long shard, long offset, long bytes, int checksum) {
    private static final int MAX_DIMENSIONS = 64;
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    /** Parses the value of the tensor's key. */
    static BundleEntry read(MappedFile file, byte[] value) {
        Reader reader = new Reader(file);
        reader.message(new ByteCursor(file.label(), MemorySegment.ofArray(value)), reader::ofEntry);
        return new BundleEntry(
                reader.type, List.copyOf(reader.shape), reader.shard, reader.offset, reader.bytes, reader.checksum);
    }

    /** The number of data files, from the value of the empty key; refuses big-endian data. */
    static long shards(MappedFile file, byte[] header) {
        Reader reader = new Reader(file);
        reader.message(new ByteCursor(file.label(), MemorySegment.ofArray(header)), reader::ofHeader);
        return reader.shards;
    }

    private interface Fields {
        /** Reads a field; returns false if it is to be skipped. */
        boolean read(long field, int wire, ByteCursor cursor);
    }

    /** A reader of protocol-buffer messages. */
    private static final class Reader {
        private final MappedFile file;
        private final List<Long> shape = new ArrayList<>();
        private int type;
        private long shard;
        private long offset;
        private long bytes;
        private int checksum;
        private long shards = 1;

        Reader(MappedFile file) {
            this.file = file;
        }

        void message(ByteCursor cursor, Fields fields) {
            while (cursor.remaining() > 0) {
                long tag = cursor.varint();
                int wire = (int) (tag & 7);
                if (!fields.read(tag >>> 3, wire, cursor)) {
                    skip(wire, cursor);
                }
            }
        }

        private void skip(int wire, ByteCursor cursor) {
            switch (wire) {
                case VARINT -> cursor.varint();
                case FIXED64 -> cursor.skip(Long.BYTES);
                case BYTES -> cursor.skip(cursor.varint());
                case FIXED32 -> cursor.skip(Integer.BYTES);
                default -> throw file.bad("a protocol-buffer message", "wire type " + wire);
            }
        }

        boolean ofHeader(long field, int wire, ByteCursor cursor) {
            if (field == 1 && wire == VARINT) {
                shards = cursor.varint();
                return true;
            }
            if (field == 2 && wire == VARINT) {
                if (cursor.varint() != 0) {
                    throw file.bad("values in little-endian order", "big-endian ones");
                }
                return true;
            }
            return false;
        }

        boolean ofEntry(long field, int wire, ByteCursor cursor) {
            if (wire == VARINT && (field == 1 || (field >= 3 && field <= 5))) {
                long value = cursor.varint();
                switch ((int) field) {
                    case 1 -> type = Math.clamp(value, -1, Integer.MAX_VALUE);
                    case 3 -> shard = value;
                    case 4 -> offset = value;
                    default -> bytes = value;
                }
                return true;
            }
            if (field == 2 && wire == BYTES) {
                message(part(cursor), this::ofShape);
                return true;
            }
            if (field == 6 && wire == FIXED32) {
                checksum = cursor.i32();
                return true;
            }
            if (field == 7) {
                throw file.bad("tensors in one piece", "one in slices");
            }
            return false;
        }

        private boolean ofShape(long field, int wire, ByteCursor cursor) {
            if (field != 2 || wire != BYTES) {
                return false;
            }
            if (shape.size() == MAX_DIMENSIONS) {
                throw file.bad("at most " + MAX_DIMENSIONS + " dimensions", "more");
            }
            shape.add(0L); // Zero is left out of a message.
            message(part(cursor), this::ofDimension);
            return true;
        }

        private boolean ofDimension(long field, int wire, ByteCursor cursor) {
            if (field != 1 || wire != VARINT) {
                return false;
            }
            shape.set(shape.size() - 1, cursor.varint());
            return true;
        }

        private ByteCursor part(ByteCursor cursor) {
            return new ByteCursor(file.label(), cursor.slice(cursor.varint()));
        }
    }
}
