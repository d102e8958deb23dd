package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Disk;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.Json;
import dev.hyaline.files.PartialFile;
import dev.hyaline.instrument.internal.DumpErrors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The lines of JSON that an unfinished dump leaves for the run that goes on with it: what was asked for, then every
 * shard once it is complete and durable. A line that a killed run did not finish does not count. Thread-safe.
 */
final class Journal implements AutoCloseable {
    private final FileChannel channel;
    private final List<Shard> shards;

    private Journal(FileChannel channel, List<Shard> shards) {
        this.channel = channel;
        this.shards = shards;
    }

    /** Begins a journal. */
    static Journal create(DumpFolder folder, Json request) throws IOException {
        Journal journal = new Journal(folder.createJournal(), new ArrayList<>());
        journal.append(request.toString());
        return journal;
    }

    /** Writes the journal that a finished dump had before its manifest. */
    static void restore(Path folder, Json request, List<Shard> shards) throws IOException {
        StringBuilder lines = new StringBuilder(request + "\n");
        shards.forEach(shard -> lines.append(shard.json()).append('\n'));
        PartialFile.write(folder.resolve(DumpFolder.JOURNAL), lines.toString().getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Opens the journal of a folder to go on with it.
     *
     * @return empty if there is none, or a run was killed before it had written what was asked for
     * @throws FileException if something else was asked for, or the journal is damaged
     */
    static Optional<Journal> resume(Path folder, Json request) throws IOException {
        Path file = folder.resolve(DumpFolder.JOURNAL);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        byte[] bytes;
        try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
            bytes = input.readAll(ShardManifest.MAX_LENGTH);
        }
        List<Shard> shards = new ArrayList<>();
        int kept = 0;
        for (int end; (end = lineEnd(bytes, kept)) >= 0; kept = end + 1) {
            byte[] line = Arrays.copyOfRange(bytes, kept, end);
            if (kept == 0) {
                ShardManifest.requireSame(folder, line(file, line), request);
                continue;
            }
            Shard shard = Shard.of(line(file, line));
            // One that was deleted, cut short or changed since is made again, and so are those after it.
            if (!isUnchanged(folder, shard, shards.size())) {
                break;
            }
            shards.add(shard);
        }
        if (kept == 0) {
            Files.delete(file);
            return Optional.empty();
        }
        FileChannel channel = Disk.open(file, StandardOpenOption.WRITE);
        channel.truncate(kept);
        return Optional.of(new Journal(channel, shards));
    }

    private static Json line(Path file, byte[] line) {
        return Json.read(DumpErrors.INSTANCE, file.toString(), line);
    }

    private static int lineEnd(byte[] bytes, int from) {
        for (int i = from; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        return -1;
    }

    /** Whether a shard is there in its whole length. */
    static boolean isWhole(Path folder, Shard shard, int index) {
        Path file = folder.resolve(ShardPlan.fileName(index));
        // What is no regular file has no length to compare.
        return file.endsWith(shard.file())
                && Files.isRegularFile(file)
                && file.toFile().length() == shard.bytes();
    }

    /** Whether a shard is what it was when it was completed: the next manifest vouches for it. */
    private static boolean isUnchanged(Path folder, Shard shard, int index) {
        if (!isWhole(folder, shard, index)) {
            return false;
        }
        try (FileInput file = FileInput.open(folder.resolve(shard.file()), DumpErrors.INSTANCE)) {
            return Digests.sha256(file).equals(shard.sha256());
        }
    }

    synchronized void add(Shard shard) throws IOException {
        append(shard.json());
        shards.add(shard);
    }

    private void append(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        long end = channel.size();
        while (bytes.hasRemaining()) {
            end += channel.write(bytes, end);
        }
        channel.force(true);
    }

    /** Those complete so far, in order. */
    synchronized List<Shard> shards() {
        return List.copyOf(shards);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
