package dev.hyaline.weights.internal.hub;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A download of one file's content into a partial file, continuing an earlier try. The content is released only if it
 * is what the hub announced.
 */
final class BlobDownload {
    /** The bytes of progress after which failures are counted anew. */
    private static final long WORTHWHILE = 1 << 20;

    private final HubClient client;
    private final HubListener listener;
    private final RemoteFile file;
    private final Path partial;
    private final Patience patience;

    BlobDownload(HubClient client, HubListener listener, RemoteFile file, Path partial) {
        this.client = client;
        this.listener = listener;
        this.file = file;
        this.partial = partial;
        this.patience = client.patience(file);
    }

    /**
     * Fetches the missing bytes and checks the whole file.
     *
     * @throws HubException if it cannot be obtained. Bytes already fetched are kept unless they are wrong.
     * @throws IOException if the partial file cannot be read or written
     */
    void run() throws IOException {
        boolean pieced = startingSize() > 0;
        boolean again = false;
        while (true) {
            try {
                complete();
            } catch (TryAgain e) {
                patience.waitAfter(e);
                pieced |= size() > 0;
                continue;
            }
            Checksum found = Checksum.of(file.checksum().kind(), partial);
            if (found.equals(file.checksum())) {
                return;
            }
            discard();
            // Pieces of several tries may not belong together; one more try fetches the file in one piece.
            if (!pieced || again) {
                throw new HubException(
                        Reason.BROKEN_ANSWER,
                        file + " is not what the hub announced: its " + found.kind() + " is " + found.hex() + ", not "
                                + file.checksum().hex() + "; nothing of it was kept");
            }
            again = true;
            pieced = false;
        }
    }

    private long startingSize() throws IOException {
        long size = size();
        if (size > file.size()) {
            Files.delete(partial);
            return 0;
        }
        listener.advanced(size);
        return size;
    }

    private long size() throws IOException {
        return Files.isRegularFile(partial, LinkOption.NOFOLLOW_LINKS) ? Files.size(partial) : 0;
    }

    private void discard() throws IOException {
        listener.advanced(-size());
        Files.deleteIfExists(partial);
    }

    /** Appends the missing bytes to the partial file. */
    private void complete() throws IOException {
        long from = size();
        if (from == file.size() && from > 0) {
            return;
        }
        try (Answer answer = client.open(file, from)) {
            if (answer.status() == 416 || (answer.status() == 206 && !continues(answer, from))) {
                discard();
                throw TryAgain.later(answer.uri().getHost() + " does not go on where the last try ended");
            }
            if (answer.status() == 200 && from > 0) {
                discard();
                from = 0;
            }
            long announced = answer.count("Content-Length").orElse(file.size() - from);
            if (announced != file.size() - from) {
                throw wrongLength(answer, announced, file.size() - from);
            }
            append(answer, from);
        }
    }

    private static boolean continues(Answer answer, long from) {
        return answer.header("Content-Range")
                .filter(range -> range.matches("bytes +" + from + "-.*"))
                .isPresent();
    }

    private void append(Answer answer, long from) throws IOException {
        long at = from;
        // Through a link in the partial file's place this would be written elsewhere.
        try (FileChannel channel = FileChannel.open(
                partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            channel.truncate(from);
            for (List<ByteBuffer> buffers = answer.next(); !buffers.isEmpty(); buffers = answer.next()) {
                for (ByteBuffer buffer : buffers) {
                    if (buffer.remaining() > file.size() - at) {
                        throw wrongLength(answer, at + buffer.remaining(), file.size());
                    }
                    at += write(channel, buffer, at);
                }
                if (at - from >= WORTHWHILE) {
                    patience.renew();
                }
            }
            channel.force(false);
        }
        if (at < file.size()) {
            throw TryAgain.later("the connection to " + answer.uri().getHost() + " ended after " + at + " of "
                    + file.size() + " bytes");
        }
    }

    private int write(FileChannel channel, ByteBuffer buffer, long at) throws IOException {
        int length = buffer.remaining();
        while (buffer.hasRemaining()) {
            channel.write(buffer, at + length - buffer.remaining());
        }
        listener.advanced(length);
        return length;
    }

    private HubException wrongLength(Answer answer, long found, long expected) throws IOException {
        discard();
        return new HubException(
                Reason.BROKEN_ANSWER,
                file + " is not what the hub announced: " + answer.uri().getHost() + " sends " + found + " bytes where "
                        + expected + " are expected; nothing of it was kept");
    }
}
