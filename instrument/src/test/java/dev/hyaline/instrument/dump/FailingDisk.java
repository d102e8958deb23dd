package dev.hyaline.instrument.dump;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/** A disk with room for so many bytes: a write that does not fit is done in part, then fails, as on a real one. */
final class FailingDisk implements UnaryOperator<FileChannel> {
    private final AtomicLong room;

    FailingDisk(long bytes) {
        room = new AtomicLong(bytes);
    }

    /** A disk that is never full. */
    static FailingDisk large() {
        return new FailingDisk(Long.MAX_VALUE);
    }

    @Override
    public FileChannel apply(FileChannel channel) {
        return new Channel(channel, room);
    }

    private static final class Channel extends FileChannel {
        private final FileChannel file;
        private final AtomicLong room;

        Channel(FileChannel file, AtomicLong room) {
            this.file = file;
            this.room = room;
        }

        @Override
        public int write(ByteBuffer bytes, long position) throws IOException {
            int fits = Math.clamp(room.getAndAdd(-bytes.remaining()), 0, bytes.remaining());
            if (fits == 0) {
                throw new IOException("No space left on device");
            }
            ByteBuffer part = bytes.slice(bytes.position(), fits);
            int written = file.write(part, position);
            bytes.position(bytes.position() + written);
            return written;
        }

        @Override
        public int write(ByteBuffer bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long write(ByteBuffer[] bytes, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(ByteBuffer bytes) throws IOException {
            return file.read(bytes);
        }

        @Override
        public long read(ByteBuffer[] bytes, int offset, int length) throws IOException {
            return file.read(bytes, offset, length);
        }

        @Override
        public int read(ByteBuffer bytes, long position) throws IOException {
            return file.read(bytes, position);
        }

        @Override
        public long position() throws IOException {
            return file.position();
        }

        @Override
        public FileChannel position(long position) throws IOException {
            file.position(position);
            return this;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public FileChannel truncate(long size) throws IOException {
            file.truncate(size);
            return this;
        }

        @Override
        public void force(boolean metadata) {
            // What is durable shows when the machine stops, not in a test; and it takes long.
        }

        @Override
        public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
            return file.transferTo(position, count, target);
        }

        @Override
        public long transferFrom(ReadableByteChannel source, long position, long count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
            return file.map(mode, position, size);
        }

        @Override
        public FileLock lock(long position, long size, boolean shared) throws IOException {
            return file.lock(position, size, shared);
        }

        @Override
        public FileLock tryLock(long position, long size, boolean shared) throws IOException {
            return file.tryLock(position, size, shared);
        }

        @Override
        protected void implCloseChannel() throws IOException {
            file.close();
        }
    }
}
