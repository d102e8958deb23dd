package dev.hyaline.corpora;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import dev.hyaline.files.DecompressedInput;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The text of a zstd file of any number of frames. Unlike zstd-jni's own stream it notices a last frame that is cut
 * short where it came in one read with the end of the frame before. Not thread-safe.
 */
final class ZstdText extends DecompressedInput {
    private static final int BUFFER = 1 << 17;

    /** Begins a frame (RFC 8878). */
    private static final int MAGIC = 0xFD2FB528;

    /** Begins a frame that decoders skip, but for its last four bits. */
    private static final int SKIPPED = 0x184D2A50;

    private final ZstdDecompressCtx context = new ZstdDecompressCtx();
    private final byte[] read = new byte[BUFFER];
    private final ByteBuffer compressed = ByteBuffer.allocateDirect(BUFFER).limit(0);
    private final ByteBuffer text = ByteBuffer.allocateDirect(BUFFER).limit(0);
    private boolean frameEnded = true;
    /** Whether the decoder may hold text for which there was no room. */
    private boolean more;

    private boolean closed;

    ZstdText(InputStream in) {
        super(in, "zstd");
    }

    @Override
    protected int decompress(byte[] into, int offset, int length) throws IOException {
        while (!text.hasRemaining()) {
            if (!compressed.hasRemaining() && !more && !fill()) {
                if (!frameEnded) {
                    throw cutShort();
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
        boolean first = count() == 0;
        int bytes = fill(read);
        if (first && bytes >= Integer.BYTES) {
            requireMagic();
        }
        compressed.clear().put(read, 0, bytes).flip();
        return bytes > 0;
    }

    private void requireMagic() throws IOException {
        int magic = ByteBuffer.wrap(read).order(ByteOrder.LITTLE_ENDIAN).getInt();
        if (magic != MAGIC && (magic & ~0xf) != SKIPPED) {
            throw new IOException("it is not zstd data, although its name ends in .zst");
        }
    }

    private void decompress() throws IOException {
        text.clear();
        try {
            frameEnded = context.decompressDirectByteBufferStream(text, compressed);
        } catch (ZstdException e) {
            // The library's message is of another error code, mostly "No error detected".
            throw new IOException("its zstd data is damaged before byte " + count(), e);
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
        super.close();
    }
}
