package dev.hyaline.corpora;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * The text of a zstd file of any number of frames. Unlike zstd-jni's own stream it notices a last frame that is cut
 * short where it came in one read with the end of the frame before. Not thread-safe.
 */
final class ZstdText extends InputStream {
    private static final int BUFFER = 1 << 17;

    private final InputStream in;
    private final ZstdDecompressCtx context = new ZstdDecompressCtx();
    private final byte[] read = new byte[BUFFER];
    private final ByteBuffer compressed = ByteBuffer.allocateDirect(BUFFER).limit(0);
    private final ByteBuffer text = ByteBuffer.allocateDirect(BUFFER).limit(0);
    private long count;
    private boolean frameEnded = true;
    /** Whether the decoder may hold text for which there was no room. */
    private boolean more;

    private boolean closed;

    ZstdText(InputStream in) {
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        if (length == 0) {
            return 0;
        }
        while (!text.hasRemaining()) {
            if (!compressed.hasRemaining() && !more && !fill()) {
                if (!frameEnded) {
                    throw new EOFException("it ends after " + count + " bytes, in the middle of its zstd data");
                }
                return -1;
            }
            decompress();
        }
        int taken = Math.min(length, text.remaining());
        text.get(into, offset, taken);
        return taken;
    }

    private boolean fill() throws IOException {
        int bytes = in.read(read);
        if (bytes <= 0) {
            return false;
        }
        count += bytes;
        compressed.clear().put(read, 0, bytes).flip();
        return true;
    }

    private void decompress() throws IOException {
        text.clear();
        try {
            frameEnded = context.decompressDirectByteBufferStream(text, compressed);
        } catch (ZstdException e) {
            throw new IOException(
                    "its zstd data is damaged, or is none, before byte " + count + " (" + e.getMessage() + ")", e);
        }
        more = !frameEnded && !text.hasRemaining();
        text.flip();
    }

    @Override
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            context.close();
        }
        in.close();
    }
}
